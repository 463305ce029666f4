"""What an account carries and lost, and:

C1  Whatever orders of whatever strategies are claimed one after the other on one account, and whichever of them fill,
    the account's gross never passes its cap by an order that did not reduce its strategy's position.
C2  The same of each strategy's position and its limit.
"""

from decimal import Decimal
from itertools import product

import hedge_examples as example
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.orders import Side, signed
from hedgerow.execution.account_tally import (
    MAX_MARK_AGE_NS,
    Flying,
    Holding,
    TradingDay,
    in_a_row,
    tally,
    unmarked,
    usable_mids,
)
from hedgerow.execution.claim_facts import reduces
from hedgerow.execution.controls import check
from hedgerow.execution.intents import Ticker, after

OWN, OTHER = "own", "other"
PERPETUAL, ETHER = example.SYMBOL, "ETH/USDT:USDT"
MIDS = {PERPETUAL: Decimal(60_000), ETHER: Decimal(3_000)}


def holding(
    uid: str, quantity: str, entry: str = "59000", instrument: str = PERPETUAL, settled: str = "0"
) -> Holding:
    return Holding(
        strategy_uid=uid,
        instrument=instrument,
        quantity=Decimal(quantity),
        entry_price=Decimal(entry),
        settled=Decimal(settled),
    )


def flying(uid: str, quantity: str, on_account: bool = True) -> Flying:
    return Flying(
        strategy_uid=uid,
        on_account=on_account,
        instrument=PERPETUAL,
        quantity=Decimal(quantity),
        limit_price=Decimal(60_100),
    )


def day(
    uid: str, turnover: str = "0", opening: str | None = None, pnl: str | None = None, on_account: bool = True
) -> TradingDay:
    return TradingDay(
        strategy_uid=uid,
        on_account=on_account,
        turnover=Decimal(turnover),
        opening_pnl=None if opening is None else Decimal(opening),
        pnl=None if pnl is None else Decimal(pnl),
    )


def test_gross_is_every_position_at_the_venues_mid_and_every_order_at_its_limit() -> None:
    held = [holding(OWN, "1"), holding(OTHER, "-2"), holding(OTHER, "10", instrument=ETHER)]
    counted = tally(OWN, held, [flying(OTHER, "0.5"), flying(OWN, "9", on_account=False)], [], MIDS)
    assert counted.gross_notional == 60_000 + 120_000 + 30_000 + 30_050


def test_what_has_no_mid_is_carried_at_what_was_paid_and_named() -> None:
    held = [holding(OWN, "1"), holding(OTHER, "10", entry="2900", instrument=ETHER), holding(OTHER, "0")]
    counted = tally(OWN, held, [], [], {PERPETUAL: Decimal(60_000)})
    assert counted.gross_notional == 60_000 + 29_000
    assert counted.unmarked == (ETHER,)
    assert unmarked([holding(OTHER, "0", instrument=ETHER)], {}) == ()


def test_what_was_closed_in_an_instrument_that_is_not_listed_any_more_carries_nothing() -> None:
    counted = tally(
        OWN, [holding(OWN, "1"), holding(OWN, "0", instrument="BTC/USDT:USDT-250101")], [], [], MIDS
    )
    assert counted.gross_notional == 60_000


def test_turnover_is_the_strategys_own_on_every_account_and_what_may_still_fill() -> None:
    days = [day(OWN, "100"), day(OWN, "20", on_account=False), day(OTHER, "7000")]
    orders = [flying(OWN, "0.1"), flying(OWN, "0.2", on_account=False), flying(OTHER, "5")]
    assert tally(OWN, [], orders, days, MIDS).turnover_today == 120 + 6_010 + 12_020


def test_the_days_loss_is_what_was_made_by_then_less_what_is_made_now() -> None:
    held = [holding(OWN, "2", settled="-50"), holding(OTHER, "-1", entry="59500", settled="10")]
    days = [day(OWN, opening="2500"), day(OTHER, opening="100")]
    counted = tally(OWN, held, [], days, MIDS)
    assert counted.loss_today == 2_500 - (2_000 - 50)
    assert counted.account_loss_today == counted.loss_today + 100 - (-500 + 10)


def test_the_part_on_another_account_counts_as_last_marked_there() -> None:
    days = [day(OWN, opening="0"), day(OWN, opening="100", pnl="-200", on_account=False)]
    counted = tally(OWN, [], [], days, MIDS)
    assert (counted.loss_today, counted.account_loss_today) == (300, 0)


def test_a_day_that_nobody_marked_yet_opens_now() -> None:
    assert tally(OWN, [holding(OWN, "2")], [], [day(OWN)], MIDS).loss_today == 0


@pytest.mark.parametrize(
    ("ticker", "usable"),
    [
        (example.ticker(time_ns=example.NOW_NS - MAX_MARK_AGE_NS), True),
        (example.ticker(time_ns=example.NOW_NS - MAX_MARK_AGE_NS - 1), False),
        (example.ticker("60000.2", "60000.1"), False),
        (example.ticker("NaN", "60000.1"), False),
    ],
)
def test_only_a_fresh_and_sound_touch_values_a_position(ticker: Ticker, usable: bool) -> None:
    assert (PERPETUAL in usable_mids({PERPETUAL: ticker}, example.NOW_NS)) is usable


def test_a_jump_is_disbelieved_for_one_poll_and_measured_from_the_last_sound_mid() -> None:
    first, jumped = example.ticker(), after(example.ticker(), example.ticker("70000", "70002"))
    assert after(None, first).previous_mid is None
    assert not usable_mids({PERPETUAL: jumped}, example.NOW_NS)
    assert usable_mids({PERPETUAL: after(jumped, example.ticker("70000", "70002"))}, example.NOW_NS)
    broken = after(first, example.ticker("NaN", "1"))
    assert after(broken, first).previous_mid == first.mid


@pytest.mark.parametrize(
    ("newest_first", "count"),
    [
        ([], 0),
        ([(PERPETUAL, "Buy"), (PERPETUAL, "Buy")], 2),
        ([(PERPETUAL, "Buy"), (ETHER, "Sell"), (PERPETUAL, "Buy")], 2),
        ([(PERPETUAL, "Buy"), (PERPETUAL, "Sell"), (PERPETUAL, "Buy")], 1),
        ([(PERPETUAL, "Sell"), (PERPETUAL, "Buy")], 0),
    ],
)
def test_a_run_of_orders_ends_at_the_first_that_went_the_other_way(
    newest_first: list[tuple[str, str]], count: int
) -> None:
    assert in_a_row(newest_first, PERPETUAL, Side.BUY) == count


CAP = Decimal(300_000)
PRICE = Decimal(60_000)
ORDERS = st.lists(
    st.tuples(
        st.sampled_from([OWN, OTHER]),
        st.sampled_from(Side),
        st.integers(min_value=1, max_value=4_000).map(lambda lots: Decimal(lots) / 1_000),
    ),
    min_size=1,
    max_size=6,
)


@given(
    ORDERS, st.decimals(min_value=-3, max_value=3, places=3), st.decimals(min_value=-3, max_value=3, places=3)
)
def test_caps_hold_whichever_of_the_claimed_orders_fill(
    orders: list[tuple[str, Side, Decimal]], held: Decimal, held_by_other: Decimal
) -> None:
    """C1, C2. Buys and sells are priced alike, so that only quantities move the gross."""
    positions = {OWN: held, OTHER: held_by_other}
    holdings = [holding(uid, format(quantity, "f"), "60000") for uid, quantity in positions.items()]
    mids = {PERPETUAL: PRICE}
    limits = example.limits(max_position_notional=Decimal(200_000), max_order_notional=Decimal(10**9))
    claimed: list[tuple[str, Side, Decimal]] = []
    for uid, side, quantity in orders:
        in_flight = [
            Flying(strategy_uid=by, on_account=True, instrument=PERPETUAL, quantity=size, limit_price=PRICE)
            for by, _, size in claimed
        ]
        facts = example.claim_facts(
            intent=example.intent(side=side, quantity=quantity, limit_price=PRICE),
            config=example.strategy(limits=limits),
            venue=example.venue(max_gross_notional=CAP),
            ticker=example.ticker("59999.9", "60000.1"),
            position=positions[uid],
            at_venue=sum((signed(way, size) for by, way, size in claimed if by == uid), Decimal(0)),
            account_gross_notional=tally(uid, holdings, in_flight, [], mids).gross_notional,
        )
        if check(facts) is None and not reduces(facts):
            claimed.append((uid, side, quantity))
    for filled in product([False, True], repeat=len(claimed)):
        now = dict(positions)
        for (uid, side, quantity), fills in zip(claimed, filled, strict=True):
            now[uid] += signed(side, quantity) if fills else 0
        gross = sum(abs(quantity) for quantity in now.values()) * PRICE
        assert not any(filled) or gross <= CAP
        for uid in now:
            mine = [fills for (by, _, _), fills in zip(claimed, filled, strict=True) if by == uid]
            if mine and all(mine):
                assert abs(now[uid]) * PRICE <= limits.max_position_notional
