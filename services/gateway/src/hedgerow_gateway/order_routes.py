"""`/orders`."""

import base64
import binascii
import time
import uuid
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from hedgerow.ledger.client_orders import find_client_order, list_client_orders
from hedgerow_gateway.desk import OrderDesk
from hedgerow_gateway.door import READERS, TRADERS, TRADERS_AND_RISK, CallerOf, GuardedRoute, allow
from hedgerow_gateway.fields import Id
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.order_models import OrderAnswer, OrderPage, OrderRequest, answer_of, new_order
from hedgerow_gateway.problems import FieldError, invalid, not_found
from hedgerow_gateway.refusals import refusals

router = APIRouter(prefix="/orders", tags=["orders"], route_class=GuardedRoute)

IdempotencyKey = Annotated[
    Id | None,
    Header(
        alias="Idempotency-Key",
        description="another place for `client_order_id`; where both are, they must agree",
    ),
]
_DIGITS = 19


@router.post("", status_code=201, responses=refusals(400, 408, 409, 413, 415))
@allow(TRADERS)
async def place_order(
    body: OrderRequest,
    request: Request,
    response: Response,
    caller: CallerOf,
    idempotency_key: IdempotencyKey = None,
) -> OrderAnswer:
    """Trade with the desk. A market order, and a limit order that the touch has reached, fills at the touch at once;
    any other limit order rests, and fills once at its own price.

    The same client order id with the same content gives the first answer again (header `Idempotent-Replayed: true`);
    with other content it is refused. A market order without a valid quote of the last 3 s is refused and not recorded.
    """
    named = _one_name(body.client_order_id, idempotency_key)
    desk: OrderDesk = request.app.state.desk
    placed = await desk.place(new_order(body, caller, str(uuid.uuid4()), named, time.time_ns()))
    if placed.repeated:
        response.headers["Idempotent-Replayed"] = "true"
    return answer_of(placed.order)


@router.get("", responses=refusals())
@allow(READERS)
async def list_orders(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before")
    ] = None,
) -> OrderPage:
    """Orders of everybody, newest first."""
    ledger: LedgerPool = request.app.state.ledger
    before = None if cursor is None else _read_cursor(cursor)
    # One more than asked for tells whether there is another page.
    found = await ledger.run(partial(list_client_orders, before=before, limit=limit + 1))
    page = found[:limit]
    return OrderPage(
        orders=[answer_of(item.order) for item in page],
        next_cursor=_cursor(page[-1].number) if len(found) > limit else None,
    )


@router.get("/{order_id}", responses=refusals(404))
@allow(READERS)
async def get_order(order_id: uuid.UUID, request: Request) -> OrderAnswer:
    """One order as it stands."""
    ledger: LedgerPool = request.app.state.ledger
    order = await ledger.run(partial(find_client_order, order_id=str(order_id)))
    if order is None:
        raise not_found(f"there is no order {order_id}")
    return answer_of(order)


@router.delete("/{order_id}", responses=refusals(404, 409))
@allow(TRADERS_AND_RISK)
async def cancel_order(order_id: uuid.UUID, request: Request) -> OrderAnswer:
    """Cancel an order that rests. Cancelling again gives the same answer; a filled order cannot be cancelled."""
    desk: OrderDesk = request.app.state.desk
    return answer_of(await desk.cancel(str(order_id)))


def _one_name(in_body: str | None, in_header: str | None) -> str | None:
    if in_body is not None and in_header is not None and in_body != in_header:
        raise invalid(FieldError(field="client_order_id", reason="differs from the header Idempotency-Key"))
    return in_body or in_header


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"before:{number}".encode()).decode()


def _read_cursor(cursor: str) -> int:
    try:
        word, _, number = (
            base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii").partition(":")
        )
    except (binascii.Error, ValueError):
        word, number = "", ""
    if word != "before" or not number.isdecimal() or len(number) >= _DIGITS:
        raise invalid(FieldError(field="cursor", reason="is none that was given out; begin without one"))
    return int(number)
