"""Client orders as the API speaks of them. Amounts are exact: numbers or decimal strings in, strings out."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from hedgerow.desk.asset_classes import AssetClass, asset_class_of
from hedgerow.desk.client_orders import ClientOrder, ClientOrderState, OrderType
from hedgerow.domain.instruments import LISTINGS, find_instrument
from hedgerow.domain.money import plain
from hedgerow.domain.orders import Side
from hedgerow_gateway.fields import Id, Positive, Shown, ShownTime
from hedgerow_gateway.keys import Caller
from hedgerow_gateway.problems import FieldError, invalid


class ApiSide(StrEnum):
    """The client's side; the desk is the other."""

    BUY = "BUY"
    SELL = "SELL"


class ApiOrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"


class ApiOrderState(StrEnum):
    ACCEPTED = "ACCEPTED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"


_EXAMPLE: dict[str, Any] = {
    "asset_class": "CRYPTO",
    "symbol": "BTC/USDT",
    "side": "BUY",
    "quantity": "0.5",
    "order_type": "LIMIT",
    "limit_price": "61000.00",
    "client_id": "acme",
    "client_order_id": "acme-2026-03-01-0001",
}


class OrderRequest(BaseModel):
    """What a client wants to trade with the desk."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    asset_class: AssetClass
    symbol: Annotated[
        str,
        Field(
            max_length=62,
            description="unified symbol",
            examples=["BTC/USDT"],
            json_schema_extra={"enum": sorted(LISTINGS)},
        ),
    ]
    side: ApiSide
    quantity: Annotated[Positive, Field(description="contracts; base units for spot; a multiple of the lot")]
    order_type: ApiOrderType
    limit_price: Annotated[Positive | None, Field(description="with LIMIT only; on the tick")] = None
    client_id: Annotated[Id, Field(description="for whom", examples=["acme"])]
    client_order_id: Annotated[
        Id | None,
        Field(
            description="the sender's name for this order: sent again with the same content, it is one order"
        ),
    ] = None


class OrderAnswer(BaseModel):
    """An order as it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0b8f3f57-7f43-4c6f-9d0e-0f6a3a2f7c11",
                    **_EXAMPLE,
                    "status": "FILLED",
                    "filled_quantity": "0.5",
                    "fill_price": "60990.1",
                    "created_ts": "2026-03-01T12:00:00.250000000Z",
                    "concluded_ts": "2026-03-01T12:00:00.250000000Z",
                }
            ]
        }
    )

    id: UUID
    asset_class: AssetClass
    symbol: str
    side: ApiSide
    quantity: Shown
    order_type: ApiOrderType
    limit_price: Shown | None
    client_id: str
    client_order_id: str | None
    status: ApiOrderState
    filled_quantity: Shown
    fill_price: Shown | None
    created_ts: ShownTime
    concluded_ts: ShownTime | None


class OrderPage(BaseModel):
    """Orders, newest first; `next_cursor` asks for the older ones, null when there are none."""

    orders: list[OrderAnswer]
    next_cursor: str | None


def new_order(
    request: OrderRequest, caller: Caller, order_id: str, named: str | None, now_ns: int
) -> ClientOrder:
    """The order that a request asks for, accepted to rest.

    Args:
        named: its client order id, from the header or the body.

    Raises:
        Problem: 422, with every field that cannot be accepted.
    """
    errors = list(_errors(request))
    if errors:
        raise invalid(*errors)
    return ClientOrder(
        id=order_id,
        owner=caller.name,
        client_order_id=named,
        client_id=request.client_id,
        instrument=request.symbol,
        side=Side.BUY if request.side is ApiSide.BUY else Side.SELL,
        quantity=request.quantity,
        order_type=OrderType.MARKET if request.order_type is ApiOrderType.MARKET else OrderType.LIMIT,
        limit_price=request.limit_price,
        state=ClientOrderState.ACCEPTED,
        rested=True,
        created_ns=now_ns,
    )


def answer_of(order: ClientOrder) -> OrderAnswer:
    """The order as the API shows it."""
    return OrderAnswer(
        id=UUID(order.id),
        asset_class=asset_class_of(find_instrument(order.instrument)),
        symbol=order.instrument,
        side=ApiSide(order.side.upper()),
        quantity=order.quantity,
        order_type=ApiOrderType(order.order_type.upper()),
        limit_price=order.limit_price,
        client_id=order.client_id,
        client_order_id=order.client_order_id,
        status=ApiOrderState(order.state.upper()),
        filled_quantity=order.quantity if order.fill_price is not None else Decimal(0),
        fill_price=order.fill_price,
        created_ts=order.created_ns,
        concluded_ts=order.concluded_ns,
    )


def _errors(request: OrderRequest) -> list[FieldError]:
    """What only the listing can tell."""
    found: list[FieldError] = []

    def say(field: str, reason: str) -> None:
        found.append(FieldError(field=field, reason=reason))

    if request.order_type is ApiOrderType.LIMIT and request.limit_price is None:
        say("limit_price", "a LIMIT order needs one")
    if request.order_type is ApiOrderType.MARKET and request.limit_price is not None:
        say("limit_price", "a MARKET order has none")
    instrument = LISTINGS.get(request.symbol)
    if instrument is None:
        say("symbol", f"is not listed; listed are {', '.join(sorted(LISTINGS))}")
        return found
    if asset_class_of(instrument) is not request.asset_class:
        say("asset_class", f"{request.symbol} is {asset_class_of(instrument)}")
    if not instrument.is_on_lot(request.quantity):
        say("quantity", f"should be a multiple of the lot {plain(instrument.lot_size)}")
    elif request.quantity < instrument.min_quantity:
        say("quantity", f"should be at least {plain(instrument.min_quantity)}")
    if request.limit_price is not None and not instrument.is_on_tick(request.limit_price):
        say("limit_price", f"should be a multiple of the tick {plain(instrument.tick_size)}")
    return found
