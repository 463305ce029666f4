"""Turnover and loss of a day, in the ledger's own transactions, and the platform's ceilings."""

from decimal import Decimal
from typing import Any

import asyncpg
import hedge_examples as example
from ledger_desk import Desk

from hedgerow.execution.claim_facts import Ceilings, RefusalCode
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hold, HoldReason
from hedgerow.ledger.ceilings import change_ceilings, read_ceilings
from hedgerow.ledger.claims import Claim
from hedgerow.ledger.trading_days import mark_day

DAY_NS = 86_400 * example.SECOND_NS


async def _fill(desk: Desk, net: str, price: str = "60000.0") -> None:
    """Sell 0.4 (24,000) from a net delta of 1.4."""
    sent = await desk.send(net)
    quantity = format(sent.quantity, "f")
    fill = example.fill(f"x{sent.id}", quantity, price)
    await desk.conclude(sent.id, example.order(IntentState.FILLED, quantity), fill)


async def _mark(desk: Desk, mid: str) -> None:
    async with desk.pool.acquire() as connection:
        mids = {example.SYMBOL: Decimal(mid)}
        await mark_day(connection, example.VENUE, example.ACCOUNT, mids, desk.now_ns)


async def _claim(desk: Desk, **ticker: Any) -> Claim:
    taken = await desk.claim(await desk.decide("1.4"), **ticker)
    assert taken is not None
    return taken


async def test_turnover_counts_fills_of_the_day_and_a_new_day_begins_at_nothing(desk: Desk) -> None:
    limits = example.limits(max_daily_turnover=Decimal(50_000))
    await desk.open(example.strategy(limits=limits), revision="r2")
    await _fill(desk, "1.4")
    await _fill(desk, "1.4")
    refused = await _claim(desk)
    assert refused.refusal is not None
    assert refused.refusal.code is RefusalCode.DAILY_TURNOVER
    assert "72000.00" in refused.refusal.detail
    desk.now_ns += DAY_NS
    assert (await _claim(desk)).refusal is None


async def test_an_order_that_reduces_is_sent_whatever_was_turned_over(desk: Desk) -> None:
    limits = example.limits(max_daily_turnover=Decimal(50_000))
    await desk.open(example.strategy(limits=limits), revision="r2")
    await _fill(desk, "1.4")
    await _fill(desk, "1.4")
    taken = await desk.claim(await desk.decide("-1.4"))
    assert taken is not None
    assert taken.refusal is None


async def test_a_fill_that_is_told_twice_is_turned_over_once(desk: Desk) -> None:
    sent = await desk.send("1.4")
    quantity = format(sent.quantity, "f")
    for _ in range(2):
        order = example.order(IntentState.FILLED, quantity)
        await desk.conclude(sent.id, order, example.fill("x1", quantity))
    assert await desk.value("select turnover from trading_days") == 24_000


async def test_an_open_loss_of_the_day_refuses_what_would_add_to_it(desk: Desk) -> None:
    limits = example.limits(max_daily_loss=Decimal(300))
    await desk.open(example.strategy(limits=limits), revision="r2")
    await _fill(desk, "1.4", "59300.0")  # short 0.4; the venue's mid is 60,000.1
    await _mark(desk, "60000.1")
    assert (await _claim(desk)).refusal is None  # 280.04 and the fee of 0.1 lost
    await desk.execute("update intents set state = 'Cancelled' where state = 'Sending'")
    refused = await _claim(desk, bid="60050.0", ask="60050.2")
    assert refused.refusal is not None
    assert refused.refusal.code is RefusalCode.DAILY_LOSS
    assert "the hedge has lost 300.14 today" in refused.refusal.detail
    back = await desk.claim(await desk.decide("-1.4"), bid="60050.0", ask="60050.2")
    assert back is not None
    assert back.refusal is None


async def test_a_loss_of_yesterday_is_not_todays(desk: Desk) -> None:
    limits = example.limits(max_daily_loss=Decimal(300))
    await desk.open(example.strategy(limits=limits), revision="r2")
    await _fill(desk, "1.4", "50000.0")
    desk.now_ns += DAY_NS
    await _mark(desk, "60000.1")
    assert (await _claim(desk)).refusal is None


async def test_the_accounts_loss_is_that_of_all_strategies_on_it(pool: asyncpg.Pool) -> None:
    venue = example.venue(max_daily_loss=Decimal(300))
    loser = await Desk(pool).open(example.strategy(), venue)
    await _fill(loser, "1.4", "59200.0")
    await loser.execute(f"delete from leg_owners where strategy_uid = '{loser.uid}'")
    other = await Desk(pool).open(example.strategy(name="other"), venue)
    refused = await _claim(other)
    assert refused.refusal is not None
    assert refused.refusal.code is RefusalCode.DAILY_LOSS
    assert "the account has lost 320.14 today, the Venue's" in refused.refusal.detail


async def test_orders_in_a_row_are_counted_until_one_goes_the_other_way(desk: Desk) -> None:
    limits = example.limits(max_repeated_orders=2)
    await desk.open(example.strategy(limits=limits), revision="r2")
    for _ in range(2):
        await _fill(desk, "1.4")
    refused = await _claim(desk)
    assert refused.refusal is not None
    assert refused.refusal.code is RefusalCode.REPEATED_ORDER
    await _fill(desk, "-1.4")
    assert (await _claim(desk)).refusal is None


async def test_a_ceiling_binds_from_the_next_claim_on_and_cuts_the_next_clip(desk: Desk) -> None:
    decided = await desk.decide("1.4")
    async with desk.pool.acquire() as connection:
        assert await read_ceilings(connection) == Ceilings()
        await change_ceilings(connection, {"max_order_notional": Decimal("23999.9")})
        assert await read_ceilings(connection) == Ceilings(max_order_notional=Decimal("23999.9"))
    refused = await desk.claim(decided)
    assert refused is not None
    assert refused.refusal is not None
    assert "the platform's maxOrderNotional is 23999.9" in refused.refusal.detail
    smaller = await _claim(desk)
    assert smaller.refusal is None
    assert smaller.intent.quantity == Decimal("0.399")


async def test_what_the_venue_leaves_no_room_for_is_not_decided(desk: Desk) -> None:
    await desk.open(venue=example.venue(max_gross_notional=Decimal(20_000)))
    decision = decide(desk.risk("1.4"), await desk.snapshot())
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.POSITION_LIMIT
    assert "maxGrossNotional of desk/paper is 20000" in decision.detail
