"""The price of a client's fill: never an old one, never worse than the limit, never better than the touch."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.desk.client_orders import ClientOrder, ClientOrderState, OrderType
from hedgerow.desk.filling import (
    FRESHNESS_NS,
    NoPrice,
    QuoteFault,
    Touch,
    entry_price,
    read_touch,
    resting_price,
)
from hedgerow.domain.orders import Side
from hedgerow.schemas.records import Quote

NOW_NS = 1_800_000_000 * 10**9
prices = st.decimals(min_value="0.01", max_value="1000000", places=2)
sides = st.sampled_from(Side)


@st.composite
def touches(draw: st.DrawFn) -> Touch:
    bid, ask = sorted((draw(prices), draw(prices)))
    return Touch(bid=bid, ask=ask)


def make_order(side: Side, limit_price: Decimal | None = None) -> ClientOrder:
    return ClientOrder(
        id="0",
        owner="alice",
        client_order_id=None,
        client_id="acme",
        instrument="BTC/USDT",
        side=side,
        quantity=Decimal(1),
        order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
        limit_price=limit_price,
        state=ClientOrderState.ACCEPTED,
        rested=True,
        created_ns=NOW_NS,
    )


def make_quote(**changes: object) -> Quote:
    quote = Quote(
        instrument="BTC/USDT",
        underlying="BTC",
        sequence=1,
        time_ns=NOW_NS,
        source_time_ns=1,
        bid=60_000.1,
        ask=60_000.2,
        bid_size=1.0,
        ask_size=1.0,
        mid=60_000.15,
        spread_bps=0.1,
        imbalance=0.0,
        depth_bps=20.0,
        bid_depth_usd=1.0,
        ask_depth_usd=1.0,
        reach_bps=20.0,
        valid=True,
    )
    return msgspec.structs.replace(quote, **changes)


@given(side=sides, touch=touches())
def test_a_market_order_always_pays_the_far_side_of_the_touch(side: Side, touch: Touch) -> None:
    assert entry_price(make_order(side), touch) == (touch.ask if side is Side.BUY else touch.bid)


@given(side=sides, limit=prices, touch=touches())
def test_a_limit_order_never_fills_worse_than_its_limit_nor_better_than_the_touch(
    side: Side, limit: Decimal, touch: Touch
) -> None:
    order = make_order(side, limit)
    at_entry, resting = entry_price(order, touch), resting_price(order, touch)
    reached = touch.ask <= limit if side is Side.BUY else touch.bid >= limit
    assert (at_entry is not None) == (resting is not None) == reached
    if at_entry is not None and resting is not None:
        assert at_entry == touch.for_client(side)
        assert resting == limit
        assert (limit - at_entry) * side.sign >= 0


@given(side=sides, limit=prices, touch=touches(), step=prices)
def test_a_more_eager_limit_fills_whenever_a_less_eager_one_does(
    side: Side, limit: Decimal, touch: Touch, step: Decimal
) -> None:
    if resting_price(make_order(side, limit), touch) is not None:
        eager = limit + side.sign * step
        if eager > 0:
            assert resting_price(make_order(side, eager), touch) is not None


@given(side=sides, touch=touches())
def test_a_market_order_never_rests(side: Side, touch: Touch) -> None:
    assert resting_price(make_order(side), touch) is None


def test_a_fresh_valid_quote_is_read_exactly() -> None:
    touch = read_touch(make_quote(), NOW_NS + FRESHNESS_NS)
    assert touch == Touch(bid=Decimal("60000.1"), ask=Decimal("60000.2"))
    assert isinstance(touch, Touch)
    assert touch.mid == Decimal("60000.15")


@pytest.mark.parametrize(
    ("quote", "fault"),
    [
        (None, QuoteFault.MISSING),
        (make_quote(valid=False, reason="crossed"), QuoteFault.INVALID),
        (make_quote(bid=0.0), QuoteFault.INVALID),
        (make_quote(bid=-1.0), QuoteFault.INVALID),
        (make_quote(ask=60_000.0), QuoteFault.INVALID),
        (make_quote(ask=float("inf")), QuoteFault.INVALID),
        (make_quote(bid=float("nan")), QuoteFault.INVALID),
        (make_quote(time_ns=NOW_NS - FRESHNESS_NS - 1), QuoteFault.STALE),
        (make_quote(time_ns=NOW_NS + FRESHNESS_NS + 1), QuoteFault.STALE),
        (make_quote(time_ns=0), QuoteFault.STALE),
    ],
)
def test_what_is_no_market_now_gives_no_price(quote: Quote | None, fault: QuoteFault) -> None:
    found = read_touch(quote, NOW_NS)
    assert isinstance(found, NoPrice)
    assert found.fault is fault
    assert found.detail
