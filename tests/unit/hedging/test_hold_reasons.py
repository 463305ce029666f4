"""Every reason to hold, each reached by one change to a situation that is otherwise hedged."""

from decimal import Decimal

import hedge_examples as given
import msgspec
import pytest
from hedge_world import LADDER, TWAP

from hedgerow.domain.age import CLOCK_SLACK_NS
from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.execution.order_life import OPEN, IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge, Hold, HoldReason
from hedgerow.hedging.inventory import Action, Standing
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, OpenIntent, PolicyState, Pursuit
from hedgerow.schemas.risk_state import Exposure, InputProblem, RiskState
from hedgerow.strategy.compiled import OnStale

NOW_NS = given.NOW_NS
QUOTE_NS = given.strategy().freshness.quote_ns
COOLDOWN_NS = given.strategy().execution.cooldown_ns
OUTSIDE = given.risk("1.4")
FREE = given.snapshot()


def _open(leg: int = 0) -> OpenIntent:
    return OpenIntent(
        id=41,
        leg=leg,
        side=Side.SELL,
        quantity=Decimal(1),
        filled_quantity=Decimal(0),
        state=sorted(OPEN)[0],
    )


def _decided_at(time_ns: int) -> LedgerSnapshot:
    return given.snapshot(policy_state=PolicyState(last_decided_ns=time_ns))


def _configured(**changes: object) -> LedgerSnapshot:
    return given.snapshot(config=given.strategy(**changes))


def _pursued(rung: int, since_ns: int, policy_ns: int = 0, **of_execution: object) -> LedgerSnapshot:
    """A hedge over time under way, none of whose orders has filled."""
    pursuit = Pursuit(
        underlying="BTC",
        side=Side.SELL,
        started_ns=since_ns,
        hedge=Decimal(0),
        aim=Decimal("-0.4"),
        rung=rung,
        rung_since_ns=since_ns,
    )
    return given.snapshot(
        config=given.strategy(execution=given.execution(**of_execution)),
        policy_state=PolicyState(last_decided_ns=policy_ns, pursuits=(pursuit,)),
    )


def _resting(**changes: object) -> LedgerSnapshot:
    order = msgspec.structs.replace(
        _open(),
        quantity=Decimal("0.4"),
        limit_price=Decimal("60000.2"),
        time_in_force=TimeInForce.POST_ONLY,
        state=IntentState.ACCEPTED,
        **changes,
    )
    return msgspec.structs.replace(_pursued(0, NOW_NS, escalation=LADDER), open_intents=(order,))


def _too_small_beside_one_that_goes() -> LedgerSnapshot:
    """The second leg's order is below the venue's minimum; its band is narrower than a lot."""
    ether = msgspec.structs.replace(given.PERPETUAL, symbol="ETH/USDT:USDT", underlying="ETH")
    leg = msgspec.structs.replace(given.leg(1), instrument=ether)
    return _configured(
        hedge_with=(given.leg(), leg),
        bands=(
            given.band(),
            msgspec.structs.replace(given.band("0", "0.0001"), underlying="ETH"),
        ),
        execution=given.execution(together=True),
    )


LADDER_END_NS = LADDER.aggressive_ns
TOO_SMALL = Exposure(underlying="ETH", delta=Decimal("0.0005"), mark=Decimal(3_000), notional=Decimal("1.5"))
BESIDE = given.risk(
    exposures=(*given.risk("1.4").exposures, TOO_SMALL),
    marks=(given.mark(), given.mark(instrument="ETH/USDT:USDT", bid=Decimal(3_000), ask=Decimal("3000.1"))),
)
OFF_TICK = given.mark(bid=Decimal("60000.05"), ask=Decimal("60000.25"))
REDUCING = Standing(underlying="BTC", action=Action.REDUCE, since_ns=0)
PROBLEM = InputProblem(input="book:clients", code="Missing", detail="never seen")
OLD = InputProblem(input="book:clients", code="Stale", detail="9.000 s old")
MAY_REDUCE = msgspec.structs.replace(given.strategy().freshness, on_stale=OnStale.REDUCE_ONLY)
HOLDS: dict[HoldReason, tuple[RiskState, LedgerSnapshot, str]] = {
    HoldReason.HALTED: (OUTSIDE, given.snapshot(halts=("All halted by cli: drill",)), "halted by cli: drill"),
    HoldReason.SUSPENDED: (OUTSIDE, _configured(suspend=True), "spec.suspend"),
    HoldReason.FLAT: (OUTSIDE, _configured(flatten=True), "no hedge is left in BTC/USDT:USDT"),
    HoldReason.GENERATION_PENDING: (OUTSIDE, given.snapshot(generation=2), "generation 1, the ledger has 2"),
    HoldReason.NOT_READY: (
        given.risk("1.4", ready=False, problems=(PROBLEM,)),
        FREE,
        "book:clients: Missing",
    ),
    HoldReason.REDUCE_ONLY: (
        given.risk("1.4", ready=False, problems=(OLD,)),
        _configured(freshness=MAY_REDUCE),
        "of the position of 0 it may take off 0, in orders of at least 0.001: book:clients: Stale (9.000 s old)",
    ),
    HoldReason.STALE_RISK: (given.risk("1.4", time_ns=NOW_NS - QUOTE_NS - 1), FREE, "3.000 s old, limit 3 s"),
    HoldReason.INVALID_QUOTE: (
        given.risk("1.4", marks=(given.mark(valid=False, reason="crossed"),)),
        FREE,
        "invalid: crossed",
    ),
    HoldReason.STALE_QUOTE: (
        given.risk("1.4", marks=(given.mark(time_ns=NOW_NS - QUOTE_NS - 1),)),
        FREE,
        "3.000 s old",
    ),
    HoldReason.STALE_SCORE: (
        given.risk("1.4", scores=(given.score(time_ns=NOW_NS - QUOTE_NS - 1),)),
        given.snapshot(config=given.by_score()),
        "the score of BTC is 3.000 s old, limit 3 s",
    ),
    HoldReason.UNKNOWN_ENTRY: (
        given.risk("1.4", inventories=(given.inventory(unknown=("BTC/USDT of book:oms",)),)),
        given.snapshot(config=given.by_risk()),
        "not known what was paid for BTC/USDT of book:oms",
    ),
    HoldReason.TOO_DEAR: (
        given.risk("1.4", inventories=(given.inventory(),), volatilities=(given.volatility(1.0),)),
        given.snapshot(config=given.by_risk(), policy_state=PolicyState(standings=(REDUCING,))),
        "would cost inf bps beside the mid, maxCostBps is 50",
    ),
    HoldReason.OPEN_INTENT: (OUTSIDE, given.snapshot(open_intents=(_open(),)), "intent 41 is"),
    HoldReason.COOLDOWN: (OUTSIDE, _decided_at(NOW_NS - COOLDOWN_NS + 1), "cooldown"),
    HoldReason.INSIDE_BAND: (given.risk("1"), FREE, "within [-1.00000000, 1.00000000]"),
    HoldReason.BELOW_MINIMUM: (
        given.risk("1.4"),
        _configured(execution=given.execution(clip_notional=Decimal(60))),
        "execution.clipNotional",
    ),
    HoldReason.POSITION_LIMIT: (
        OUTSIDE,
        _configured(limits=given.limits(max_position_notional=Decimal(20_000))),
        "limits.maxPositionNotional is 20000",
    ),
    HoldReason.RESTING: (OUTSIDE, _resting(), "intent 41 waits at 60000.2"),
    HoldReason.CANCELLING: (OUTSIDE, _resting(cancel_requested_ns=NOW_NS), "its cancel was decided"),
    HoldReason.WAITING_FOR_SLICE: (
        given.risk("1.002"),
        _pursued(0, NOW_NS, twap=TWAP),
        "0 contracts done and 0.002 to",
    ),
    HoldReason.SLIPPAGE_GUARD: (
        given.risk("1.4", marks=(OFF_TICK,)),
        _configured(execution=given.execution(max_slippage_bps=Decimal(0))),
        "the worst price on its tick is 60000.1",
    ),
    HoldReason.LEGS_TOGETHER: (BESIDE, _too_small_beside_one_that_goes(), "would cross the whole of it"),
    HoldReason.UNFILLED: (OUTSIDE, _pursued(1, NOW_NS - LADDER_END_NS, escalation=LADDER), "every rung"),
}
WAKE = {
    HoldReason.COOLDOWN,
    HoldReason.RESTING,
    HoldReason.CANCELLING,
    HoldReason.WAITING_FOR_SLICE,
    HoldReason.UNFILLED,
}


def test_the_situation_that_the_table_starts_from_is_hedged() -> None:
    assert isinstance(decide(OUTSIDE, FREE), Hedge)


def test_every_reason_is_in_the_table() -> None:
    assert set(HOLDS) == set(HoldReason)


@pytest.mark.parametrize(
    ("risk", "reason"),
    [
        (given.risk("1.4", time_ns=NOW_NS + CLOCK_SLACK_NS + 1), HoldReason.STALE_RISK),
        (given.risk("1.4", marks=(given.mark(time_ns=NOW_NS + CLOCK_SLACK_NS + 1),)), HoldReason.STALE_QUOTE),
    ],
    ids=["risk", "quote"],
)
def test_what_comes_from_the_future_is_not_fresh(risk: RiskState, reason: HoldReason) -> None:
    decision = decide(risk, FREE)
    assert isinstance(decision, Hold)
    assert decision.reason is reason
    assert "1.000 s in the future" in decision.detail


@pytest.mark.parametrize("reason", list(HoldReason))
def test_each_reason_holds_and_tells_its_numbers(reason: HoldReason) -> None:
    risk, ledger, words = HOLDS[reason]
    decision = decide(risk, ledger)
    assert isinstance(decision, Hold)
    assert decision.reason is reason
    assert words in decision.detail


def test_what_ends_by_itself_asks_to_be_woken_and_at_the_cooldowns_end_it_hedges() -> None:
    for reason, (risk, ledger, _) in HOLDS.items():
        decision = decide(risk, ledger)
        assert isinstance(decision, Hold)
        assert (decision.wake_ns is not None) == (reason in WAKE)
    cooling = _decided_at(NOW_NS - COOLDOWN_NS + 1)
    held = decide(OUTSIDE, cooling)
    assert isinstance(held, Hold)
    assert held.wake_ns == NOW_NS + 1
    assert isinstance(decide(OUTSIDE, msgspec.structs.replace(cooling, read_ns=held.wake_ns)), Hedge)


@pytest.mark.parametrize(
    ("risk", "ledger"),
    [
        (given.risk("1.4", time_ns=NOW_NS - QUOTE_NS), FREE),
        (given.risk("1.4", marks=(given.mark(time_ns=NOW_NS - QUOTE_NS),)), FREE),
        (OUTSIDE, _decided_at(NOW_NS - COOLDOWN_NS)),
        (OUTSIDE, given.snapshot(open_intents=(_open(leg=1),))),
    ],
    ids=["risk just fresh", "quote just fresh", "cooldown just over", "another leg is open"],
)
def test_just_inside_its_limit_nothing_holds(risk: RiskState, ledger: LedgerSnapshot) -> None:
    assert isinstance(decide(risk, ledger), Hedge)


def test_a_risk_state_of_another_strategy_is_not_acted_on() -> None:
    other = given.risk("1.4", uid="00000000-0000-4000-8000-000000000000")
    decision = decide(other, FREE)
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.GENERATION_PENDING


def test_no_quote_at_all_is_an_invalid_quote() -> None:
    decision = decide(given.risk("1.4", marks=()), FREE)
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.INVALID_QUOTE
    assert "no quote of BTC/USDT:USDT" in decision.detail


def test_inside_the_band_says_so_even_while_the_leg_is_busy() -> None:
    ledger = given.snapshot(open_intents=(_open(),), policy_state=PolicyState(last_decided_ns=NOW_NS))
    decision = decide(given.risk("0.2"), ledger)
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.INSIDE_BAND


def test_an_order_that_would_cross_the_whole_band_waits_until_it_would_not() -> None:
    narrow = given.snapshot(config=given.strategy(bands=(given.band("0", "0.0001"),)))
    held = decide(given.risk("0.0005"), narrow)
    assert isinstance(held, Hold)
    assert held.reason is HoldReason.BELOW_MINIMUM
    assert isinstance(decide(given.risk("0.00101"), narrow), Hedge)


def test_in_a_band_narrower_than_a_lot_a_large_excess_is_still_traded_down() -> None:
    narrow = given.snapshot(config=given.strategy(bands=(given.band("0", "0.0001"),)))
    decision = decide(given.risk("0.50055"), narrow)
    assert isinstance(decision, Hedge)
    assert decision.intents[0].quantity == Decimal("0.500")


@pytest.mark.parametrize(
    ("held", "delta", "limited"),
    [
        ("0.4", "-1.9", True),  # a buy of 0.5 makes it 0.9
        ("-0.4", "-1.1", False),  # a buy of 0.5 makes it 0.1
        ("-0.2", "-2.5", True),  # a buy of 1.7 turns it into 1.5
        ("-0.9", "-0.6", False),  # a buy of 0.5 makes it -0.4
    ],
)
def test_the_position_limit_stops_what_grows_the_hedge_also_across_zero(
    held: str, delta: str, limited: bool
) -> None:
    config = given.strategy(
        limits=given.limits(max_position_notional=Decimal(45_000), max_order_notional=Decimal(200_000)),
        execution=given.execution(clip_notional=Decimal(200_000)),
    )
    decision = decide(given.risk(delta), given.snapshot(held, config=config))
    if limited:
        assert isinstance(decision, Hold)
        assert decision.reason is HoldReason.POSITION_LIMIT
    else:
        assert isinstance(decision, Hedge)


def test_a_position_of_the_same_account_name_at_another_venue_is_not_this_legs() -> None:
    elsewhere = HeldPosition(
        venue="desk/other", account=given.ACCOUNT, instrument=given.SYMBOL, quantity=Decimal(-2)
    )
    config = given.strategy(limits=given.limits(max_position_notional=Decimal(60_000)))
    decision = decide(given.risk("3.4"), given.snapshot(positions=(elsewhere,), config=config))
    assert isinstance(decision, Hedge)
    assert decision.intents[0].delta == Decimal("1.4")


def test_the_position_limit_is_held_at_the_limit_price_as_the_claim_will() -> None:
    """0.5 BTC is worth 30,000 at the mid, and 30,030 at the price that a buy may pay."""
    tight = given.strategy(limits=given.limits(max_position_notional=Decimal(30_010)))
    held = decide(given.risk("-1.5"), given.snapshot(config=tight))
    assert isinstance(held, Hold)
    assert held.reason is HoldReason.POSITION_LIMIT
    assert "worth 30030.10" in held.detail


def test_the_smallest_order_is_worth_the_venues_minimum_at_its_limit_price() -> None:
    """A lot is worth 5.00 at the bid, and 4.995 at the price that a sell may go down to; 5 is the minimum."""
    cheap = given.mark(bid=Decimal("5000.0"), ask=Decimal("5000.1"), mid=Decimal("5000.05"))
    decision = decide(given.risk("1.0005", marks=(cheap,)), FREE)
    assert isinstance(decision, Hedge)
    assert decision.intents[0].limit_price == Decimal("4995.0")
    assert decision.intents[0].quantity == Decimal("0.002")
