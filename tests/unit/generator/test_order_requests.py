from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.orders import Side
from hedgerow_generator.plan import PlannedOrder, Style
from hedgerow_generator.pricing import Quote, order_request

SYMBOLS = ("BTC/USDT", "BTC/USDT:USDT")


@given(
    symbol=st.sampled_from(SYMBOLS),
    side=st.sampled_from(Side),
    style=st.sampled_from(Style),
    notional=st.floats(min_value=0.01, max_value=1e6),
    offset_bps=st.floats(min_value=0.5, max_value=50),
    cents=st.integers(min_value=100, max_value=20_000_000),
)
def test_a_request_is_on_tick_and_lot_and_its_limit_is_on_the_side_of_the_touch_that_its_style_says(
    symbol: str, side: Side, style: Style, notional: float, offset_bps: float, cents: int
) -> None:
    instrument = find_instrument(symbol)
    quote = Quote(bid=Decimal(cents) / 100, ask=Decimal(cents + 10) / 100)
    planned = PlannedOrder(
        elapsed_s=1.0,
        symbol=symbol,
        side=side,
        style=style,
        notional=notional,
        offset_bps=offset_bps,
        patience_s=1.0,
    )
    body = order_request(planned, "gen-1-7-3", quote)
    touch = quote.ask if side is Side.BUY else quote.bid
    quantity = Decimal(body["quantity"])
    assert instrument.is_on_lot(quantity)
    assert quantity >= instrument.smallest_quantity(touch)
    within = instrument.notional(quantity, touch) <= Decimal(repr(notional))
    assert within or quantity == instrument.smallest_quantity(touch)
    assert (body["symbol"], body["side"], body["client_order_id"]) == (
        symbol,
        side.value.upper(),
        "gen-1-7-3",
    )
    if style is Style.MARKET:
        assert (body["order_type"], "limit_price" in body) == ("MARKET", False)
        return
    limit = Decimal(body["limit_price"])
    assert body["order_type"] == "LIMIT"
    assert instrument.is_on_tick(limit)
    better = limit - touch if side is Side.BUY else touch - limit
    if limit > instrument.tick_size:
        assert better > 0 if style is Style.CROSSED else better < 0
