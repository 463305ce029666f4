"""A planned order as the gateway takes it, at a quote. Pure."""

from decimal import Decimal

import msgspec

from hedgerow.desk.asset_classes import asset_class_of
from hedgerow.domain.instruments import Instrument, find_instrument
from hedgerow.domain.money import BPS, ceil_to_step, exact_decimal, floor_to_step, plain
from hedgerow.domain.orders import Side
from hedgerow_generator.plan import PlannedOrder, Style

CLIENT = "generator"


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What an instrument can be traded at, in quote currency."""

    bid: Decimal
    ask: Decimal


def order_request(planned: PlannedOrder, client_order_id: str, quote: Quote) -> dict[str, str]:
    """The body of `POST /orders`. The size is rounded down to the lot, but not below the smallest order."""
    instrument = find_instrument(planned.symbol)
    touch = quote.ask if planned.side is Side.BUY else quote.bid
    lots = floor_to_step(
        exact_decimal(planned.notional) / (instrument.contract_size * touch), instrument.lot_size
    )
    body = {
        "asset_class": asset_class_of(instrument).value,
        "symbol": planned.symbol,
        "side": planned.side.upper(),
        "quantity": plain(max(lots, instrument.smallest_quantity(touch))),
        "order_type": "MARKET" if planned.style is Style.MARKET else "LIMIT",
        "client_id": CLIENT,
        "client_order_id": client_order_id,
    }
    if planned.style is not Style.MARKET:
        body["limit_price"] = plain(_limit(planned, instrument, touch))
    return body


def _limit(planned: PlannedOrder, instrument: Instrument, touch: Decimal) -> Decimal:
    """On the tick, rounded away from the touch, so that a crossed limit is crossed and a resting one rests."""
    above = (planned.side is Side.BUY) == (planned.style is Style.CROSSED)
    distance = touch * exact_decimal(planned.offset_bps) / BPS
    if above:
        return ceil_to_step(touch + distance, instrument.tick_size)
    return max(floor_to_step(touch - distance, instrument.tick_size), instrument.tick_size)
