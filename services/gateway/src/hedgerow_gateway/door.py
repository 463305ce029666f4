"""Every request passes here: who calls, whether they may, and whether the body can be read."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from hedgerow_gateway.keys import Caller, Keys, Role, authenticate
from hedgerow_gateway.problems import FieldError, Problem, invalid
from hedgerow_gateway.strict_json import StrictRequest, require_json

READERS = frozenset(Role)
TRADERS = frozenset({Role.TRADER})
RISK = frozenset({Role.RISK})
TRADERS_AND_RISK = TRADERS | RISK

_ALLOWED = "_hedgerow_roles"
Handler = Callable[..., Any]


def allow(roles: frozenset[Role]) -> Callable[[Handler], Handler]:
    """Say who may call an endpoint; what says nothing lets nobody in."""

    def mark(handler: Handler) -> Handler:
        setattr(handler, _ALLOWED, roles)
        return handler

    return mark


class GuardedRoute(APIRoute):
    """Checks the key, its role and the query's names before anything of the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        parameters = frozenset(field.alias for field in self.dependant.query_params)
        allowed: frozenset[Role] = getattr(self.endpoint, _ALLOWED, frozenset())

        async def guarded(request: Request) -> Response:
            keys: Keys = request.app.state.keys
            caller = authenticate(keys, request.headers.get("authorization"))
            if caller.role not in allowed:
                raise Problem(
                    403,
                    "forbidden",
                    f"{caller.name} is {caller.role}; this needs {' or '.join(sorted(allowed)) or 'another door'}",
                )
            request.state.caller = caller
            _require_known(request, parameters)
            if self.body_field is not None:
                require_json(request)
            return await handle(StrictRequest(request.scope, request.receive))

        return guarded


def _require_known(request: Request, parameters: frozenset[str]) -> None:
    """A misspelt parameter must not be taken for one that was left out.

    Raises:
        Problem: 422, a parameter of the query is unknown or there twice.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    errors = [
        FieldError(
            field=name,
            reason="is there more than once" if name in parameters else "is no parameter of this request",
        )
        for name in dict.fromkeys(names)
        if name not in parameters or names.count(name) > 1
    ]
    if errors:
        raise invalid(*errors)


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


CallerOf = Annotated[Caller, Depends(_caller)]
