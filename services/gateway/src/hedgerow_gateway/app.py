"""The gateway's HTTP application: routes, problems for whatever goes wrong, and an OpenAPI document that says so."""

import time
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hedgerow_gateway import book_routes, halt_routes, hedge_routes, order_routes, quote_routes, risk_routes
from hedgerow_gateway.desk import OrderDesk
from hedgerow_gateway.hedge_desk import HedgeDesk
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.metrics import GatewayMetrics
from hedgerow_gateway.problems import FieldError, Problem, invalid, problem_response
from hedgerow_gateway.publishing import BookPublisher
from hedgerow_gateway.refusals import PROBLEM_SCHEMA
from hedgerow_gateway.risk_view import RiskView

_log = structlog.get_logger(__name__)

_CODES = {404: "not-found", 405: "method-not-allowed"}
_DESCRIPTION = """Client orders, books and halts of a desk that Hedgerow hedges.

Send `Authorization: Bearer <API key>`. Viewers read, traders also order and tell books, risk also halts and cancels.
Amounts are exact: send numbers or decimal strings, answers are decimal strings. Errors are RFC 9457 problem details."""


def build_app(
    ledger: LedgerPool,
    desk: OrderDesk,
    hedge_desk: HedgeDesk,
    risk: RiskView,
    publisher: BookPublisher,
    metrics: GatewayMetrics,
) -> FastAPI:
    """The application around these parts. Nobody gets in whose key is not in `app.state.keys`."""
    app = FastAPI(
        title="Hedgerow gateway",
        version="1",
        description=_DESCRIPTION,
        redoc_url=None,
        # Only to tell OpenAPI: the door itself checks, before it reads anything.
        dependencies=[Depends(HTTPBearer(auto_error=False, description="an API key"))],
    )
    app.state.keys = {}
    app.state.risk = risk
    app.state.ledger = ledger
    app.state.desk = desk
    app.state.hedge_desk = hedge_desk
    app.state.publisher = publisher
    for routes in (order_routes, quote_routes, hedge_routes, book_routes, halt_routes, risk_routes):
        app.include_router(routes.router)
    _answer_with_problems(app, metrics)
    app.add_middleware(_Measured, metrics=metrics)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _answer_with_problems(app: FastAPI, metrics: GatewayMetrics) -> None:
    def refuse(problem: Problem) -> Response:
        metrics.refused.labels(problem.code, str(problem.status_code)).inc()
        return problem_response(problem)

    async def on_problem(_: Request, error: Exception) -> Response:
        if not isinstance(error, Problem):
            assert isinstance(error, HTTPException)
            code = _CODES.get(error.status_code, "refused")
            error = Problem(error.status_code, code, error.detail, headers=error.headers)
        return refuse(error)

    async def on_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refuse(invalid(*_field_errors(error.errors())))

    async def on_fault(request: Request, error: Exception) -> Response:
        _log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
        return refuse(Problem(500, "internal", "the gateway failed; its log says how"))

    app.add_exception_handler(HTTPException, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_fault)


def _field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """pydantic's findings without where they were looked for ("body", "query") and without the input itself."""
    return [
        FieldError(field=".".join(map(str, item["loc"][1:])) or str(item["loc"][0]), reason=item["msg"])
        for item in errors
    ]


class _Measured:
    """Times every request under its route's template, so that no path of a client's making becomes a label."""

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = getattr(scope.get("route"), "path", "other")
                method = scope["method"] if path != "other" else "other"
                self._metrics.seconds.labels(method, path).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, measured)


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        document["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
        app.openapi_schema = document
    return app.openapi_schema
