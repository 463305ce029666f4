"""What goes wrong, as RFC 9457 problem details."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "https://hedgerow.dev/problems/"


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the request (dotted, from the body's or the query's root) and what is wrong with it."""

    field: str
    reason: str


class Problem(HTTPException):
    """A refusal. `code` ends the problem's `type` and labels the metric; docs/guide/gateway.md lists all."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code=status, detail=detail, headers=dict(headers or {}))
        self.code = code
        self.errors = tuple(errors)


def problem_response(problem: Problem) -> Response:
    """The problem as sent. ASCII only, because a field's name may be text that UTF-8 cannot carry."""
    body: dict[str, object] = {
        "type": TYPE_PREFIX + problem.code,
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = [msgspec.structs.asdict(error) for error in problem.errors]
    return Response(
        json.dumps(body),
        status_code=problem.status_code,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def invalid(*errors: FieldError) -> Problem:
    """422: the request can be read, but these fields cannot be accepted."""
    fields = ", ".join(error.field for error in errors)
    return Problem(422, "invalid", f"nothing was changed; not acceptable: {fields}", errors)


def not_found(detail: str) -> Problem:
    return Problem(404, "not-found", detail)


def ledger_away(detail: str) -> Problem:
    """503: the ledger cannot be reached. A request that names its order may be repeated safely."""
    return Problem(503, "ledger-away", detail, headers={"Retry-After": "1"})
