"""What a request may say, and how a refusal is written."""

import json
from contextlib import suppress
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from starlette.routing import Route

from hedgerow.domain.times import show_time
from hedgerow_gateway import book_routes, halt_routes, order_routes
from hedgerow_gateway.door import _ALLOWED, GuardedRoute
from hedgerow_gateway.fields import GivenTime, Positive, Shown, Signed
from hedgerow_gateway.keys import Caller, Role
from hedgerow_gateway.problems import FieldError, Problem, invalid, problem_response
from hedgerow_gateway.strict_json import parse_json

signed = TypeAdapter(Signed)
shown = TypeAdapter(Shown)
exact = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, places=12)


@given(exact)
def test_an_amount_goes_through_json_unchanged_as_number_and_as_string(amount: Decimal) -> None:
    for text in (f"{amount:f}", f'"{amount:f}"'):
        assert signed.validate_python(parse_json(text.encode())) == amount
    assert Decimal(json.loads(shown.dump_json(amount))) == amount


@given(st.text() | st.floats() | st.integers() | st.booleans() | st.none() | st.decimals())
def test_whatever_comes_is_an_amount_within_bounds_or_refused(value: Any) -> None:
    try:
        amount = TypeAdapter(Positive).validate_python(value)
    except ValidationError:
        return
    assert amount.is_finite()
    assert Decimal("1e-12") <= amount <= Decimal("1e12")
    assert amount == Decimal(value)


@given(st.integers(0, 250_000_000_000_000_000_000))
def test_a_shown_time_is_read_back_to_the_nanosecond(time_ns: int) -> None:
    assert TypeAdapter(GivenTime).validate_python(show_time(time_ns)) == time_ns


@given(st.binary())
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with suppress(Problem):
        parse_json(body)


def test_a_problem_is_written_as_rfc_9457_even_about_text_that_utf8_cannot_carry() -> None:
    response = problem_response(invalid(FieldError(field="a\ud800", reason="unknown")))
    assert response.media_type == "application/problem+json"
    assert json.loads(bytes(response.body)) == {
        "type": "https://hedgerow.dev/problems/invalid",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "nothing was changed; not acceptable: a\ud800",
        "errors": [{"field": "a\ud800", "reason": "unknown"}],
    }


@pytest.mark.parametrize("router", [order_routes.router, book_routes.router, halt_routes.router])
def test_every_endpoint_says_who_may_call_it(router: Any) -> None:
    routes = [route for route in router.routes if isinstance(route, Route)]
    assert routes
    for route in routes:
        assert getattr(route.endpoint, _ALLOWED), route.path


async def test_an_endpoint_that_says_nothing_lets_nobody_in() -> None:
    app = FastAPI()
    router = APIRouter(route_class=GuardedRoute)
    entered = []
    router.add_api_route("/", lambda: entered.append("in"))
    app.include_router(router)
    key = b"0123456789abcdef"
    app.state.keys = {sha256(key).digest(): Caller(name="rita", role=Role.RISK)}
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer " + key)],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert (sent[0]["status"], entered) == (403, [])
