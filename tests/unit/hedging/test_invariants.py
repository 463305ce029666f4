"""Invariants of the decision, whatever the numbers.

H1  After its intents fill in full, the net delta is inside the band, or still outside on the side it was on.
    It is still outside only because a clip bound the order, or the band is narrower than what can be traded.
H2  An order always goes towards the band.
H3  Quantities are on the lot and prices on the tick; no order is worth more than the clip or maxOrderNotional at
    the dearest price that it may meet, nor below the venue's minimum.
H4  At most one intent per leg, and none for a leg that has one open.
H5  Nothing is sent when halted, suspended, of another generation, not ready, stale or invalid.
H6  Clips that fill in full end inside the band within ceil(excess / clip) + 1 decisions, and then it holds.
H7  A decision made again from its stored inputs has the same bytes.
H8  Rounding never turns the side and never leaves nothing to trade.
H9  What is decided passes the executor's controls on the same market.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.orders import Side, signed
from hedgerow.execution.claim_facts import Ceilings
from hedgerow.execution.controls import check
from hedgerow.execution.intents import Ticker
from hedgerow.execution.order_life import OPEN
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge, Hold, HoldReason, NewIntent
from hedgerow.hedging.exposure import NetExposure, net_exposure
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, OpenIntent, PolicyState
from hedgerow.schemas.codec import encode
from hedgerow.schemas.risk_state import Exposure, RiskState
from hedgerow.strategy.compiled import BandUnit, Leg

Situation = tuple[RiskState, LedgerSnapshot]
TICK = example.PERPETUAL.tick_size
INSTRUMENTS = st.sampled_from(
    [
        example.PERPETUAL,
        msgspec.structs.replace(
            example.PERPETUAL, contract_size=Decimal("0.01"), lot_size=Decimal(1), min_quantity=Decimal(1)
        ),
        msgspec.structs.replace(
            example.PERPETUAL, contract_size=Decimal(10), lot_size=Decimal("0.25"), min_notional=Decimal(500)
        ),
    ]
)
LARGE = Decimal(10) ** 15


def _decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=Decimal(low), max_value=Decimal(high), places=places)


@st.composite
def situations(draw: st.DrawFn, wide: bool = False, room: bool = False) -> Situation:
    """Nothing blocks deciding; the net delta is anywhere around the band. `wide`: no band is below a lot's width.
    `room`: no position limit is near."""
    instrument = draw(INSTRUMENTS)
    bid = draw(st.integers(min_value=1_000, max_value=2_000_000)) * TICK
    ask = bid + draw(st.integers(min_value=1, max_value=20)) * TICK
    mid = (bid + ask) / 2
    in_notional = draw(st.booleans())
    lower = draw(_decimals("-20", "20", 5))
    least = instrument.delta(instrument.smallest_quantity(bid * Decimal("0.9"))) if wide else Decimal(0)
    upper = lower + least + draw(_decimals("0.00001", "10", 5))
    held = draw(st.integers(min_value=-4_000, max_value=4_000)) * instrument.lot_size
    delta = draw(_decimals("-60", "60", 8))
    clip = draw(_decimals("10", "500000", 2))
    config = example.strategy(
        hedge_with=(Leg(index=0, venue=example.VENUE, account=example.ACCOUNT, instrument=instrument),),
        bands=(
            example.band(
                *(format(edge * mid if in_notional else edge, "f") for edge in (lower, upper)),
                unit=BandUnit.NOTIONAL if in_notional else BandUnit.UNDERLYING,
            ),
        ),
        execution=example.execution(
            clip_notional=clip, max_slippage_bps=Decimal(draw(st.integers(min_value=0, max_value=100)))
        ),
        limits=example.limits(
            max_order_notional=clip * draw(st.sampled_from([Decimal(1), Decimal("0.5"), Decimal(3)])),
            max_position_notional=draw(st.sampled_from([LARGE] if room else [LARGE, Decimal(200_000)])),
            price_collar_bps=Decimal(2_000),
        ),
    )
    risk = example.risk(
        marks=(example.mark(bid=bid, ask=ask, mid=mid),),
        exposures=(Exposure(underlying="BTC", delta=delta, mark=mid, notional=delta * mid),),
    )
    return risk, example.snapshot(format(held, "f"), config=config)


def _exposure(situation: Situation) -> NetExposure:
    risk, ledger = situation
    return net_exposure(ledger.config.bands[0], risk, ledger)


def _only_intent(situation: Situation) -> NewIntent:
    decision = decide(*situation)
    assume(isinstance(decision, Hedge))
    assert isinstance(decision, Hedge)
    assert len(decision.intents) == 1
    return decision.intents[0]


def _instrument(situation: Situation) -> Instrument:
    return situation[1].config.hedge_with[0].instrument


def _dearest(situation: Situation) -> Decimal:
    risk, ledger = situation
    return risk.marks[0].ask * (1 + ledger.config.execution.max_slippage_bps / 10_000)


def _most(situation: Situation) -> Decimal:
    config = situation[1].config
    return min(config.execution.clip_notional, config.limits.max_order_notional)


def _filled(situation: Situation, intent: NewIntent) -> Situation:
    """The same situation after the intent filled in full and the cooldown passed; the quotes are fresh again."""
    risk, ledger = situation
    held = ledger.positions[0]
    later_ns = ledger.read_ns + ledger.config.execution.cooldown_ns
    after = msgspec.structs.replace(
        ledger,
        version=ledger.version + 2,
        read_ns=later_ns,
        policy_state=PolicyState(last_decided_ns=ledger.read_ns),
        positions=(
            msgspec.structs.replace(held, quantity=held.quantity + signed(intent.side, intent.quantity)),
        ),
    )
    marks = tuple(msgspec.structs.replace(mark, time_ns=later_ns) for mark in risk.marks)
    return msgspec.structs.replace(risk, time_ns=later_ns, marks=marks), after


@pytest.mark.parametrize("outcome", ["buy", "sell", "clip", "InsideBand", "BelowMinimum", "PositionLimit"])
def test_the_situations_reach_every_outcome_they_are_meant_to(outcome: str) -> None:
    def reached(situation: Situation) -> bool:
        decision = decide(*situation)
        if isinstance(decision, Hold):
            return decision.reason.value == outcome
        intent = decision.intents[0]
        room = _most(situation) / _dearest(situation) - _instrument(situation).delta(intent.quantity)
        clipped = abs(_exposure(situation).excess) > room + _instrument(situation).delta(intent.quantity)
        return outcome == intent.side.value.lower() or (outcome == "clip" and clipped)

    find(
        situations(),
        reached,
        settings=settings(max_examples=20_000, deadline=None, database=None, phases=[Phase.generate]),
    )


@given(situations())
def test_h1_a_full_fill_never_hedges_beyond_the_band(situation: Situation) -> None:
    before = _exposure(situation)
    intent = _only_intent(situation)
    after = _exposure(_filled(situation, intent))
    assert after.excess * before.excess >= 0
    assert abs(after.excess) < abs(before.excess)


@given(situations(wide=True))
def test_h1_it_ends_inside_unless_the_clip_bound_it(situation: Situation) -> None:
    intent = _only_intent(situation)
    after = _exposure(_filled(situation, intent))
    one_more_lot = intent.quantity + _instrument(situation).lot_size
    clip_bound = _instrument(situation).notional(one_more_lot, _dearest(situation)) > _most(situation)
    assert after.excess == 0 or clip_bound


@given(situations())
def test_h2_the_side_is_always_towards_the_band(situation: Situation) -> None:
    exposure = _exposure(situation)
    intent = _only_intent(situation)
    assert intent.side is (Side.SELL if exposure.net > exposure.upper else Side.BUY)
    assert intent.delta == exposure.net
    assert intent.edge == (exposure.upper if intent.side is Side.SELL else exposure.lower)


@given(situations())
def test_h3_quantity_and_price_are_on_the_grid_and_within_every_limit(situation: Situation) -> None:
    instrument, mark = _instrument(situation), situation[0].marks[0]
    intent = _only_intent(situation)
    assert instrument.is_on_lot(intent.quantity)
    assert instrument.is_on_tick(intent.limit_price)
    assert instrument.notional(intent.quantity, _dearest(situation)) <= _most(situation)
    assert intent.quantity >= instrument.smallest_quantity(intent.limit_price)
    slip = situation[1].config.execution.max_slippage_bps / 10_000
    if intent.side is Side.BUY:
        assert mark.ask <= intent.limit_price <= mark.ask * (1 + slip)
    else:
        assert mark.bid * (1 - slip) <= intent.limit_price <= mark.bid


ETHER = msgspec.structs.replace(
    example.PERPETUAL, symbol="ETH/USDT:USDT", underlying="ETH", base="ETH", lot_size=Decimal("0.01")
)


def _two_legs(btc: Decimal, eth: Decimal, busy: list[int]) -> Situation:
    legs = (
        example.leg(0),
        Leg(index=1, venue=example.VENUE, account=example.ACCOUNT, instrument=ETHER),
    )
    ether_band = msgspec.structs.replace(example.band(), underlying="ETH")
    risk = example.risk(
        exposures=tuple(
            Exposure(underlying=name, delta=delta, mark=Decimal(3_000), notional=delta * 3_000)
            for name, delta in (("BTC", btc), ("ETH", eth))
        ),
        marks=(
            example.mark(),
            example.mark(instrument=ETHER.symbol, bid=Decimal(3_000), ask=Decimal("3000.1")),
        ),
    )
    ledger = example.snapshot(
        config=example.strategy(hedge_with=legs, bands=(example.band(), ether_band)),
        open_intents=tuple(
            OpenIntent(
                id=10 + index,
                leg=index,
                side=Side.SELL,
                quantity=Decimal(1),
                filled_quantity=Decimal(0),
                state=sorted(OPEN)[index],
            )
            for index in busy
        ),
    )
    return risk, ledger


@given(_decimals("-9", "9", 4), _decimals("-9", "9", 4), st.lists(st.sampled_from([0, 1]), unique=True))
def test_h4_one_intent_per_leg_and_none_for_a_leg_that_has_one_open(
    btc: Decimal, eth: Decimal, busy: list[int]
) -> None:
    decision = decide(*_two_legs(btc, eth, busy))
    outside = {index for index, delta in enumerate((btc, eth)) if abs(delta) > 1}
    if isinstance(decision, Hedge):
        assert [intent.leg for intent in decision.intents] == sorted(outside - set(busy))
    else:
        assert outside <= set(busy)
        assert decision.reason is (HoldReason.OPEN_INTENT if outside else HoldReason.INSIDE_BAND)


def _risk_with(**changes: Any) -> Callable[[Situation], Situation]:
    return lambda situation: (msgspec.structs.replace(situation[0], **changes), situation[1])


def _ledger_with(**changes: Any) -> Callable[[Situation], Situation]:
    return lambda situation: (situation[0], msgspec.structs.replace(situation[1], **changes))


def _mark_with(**changes: Any) -> Callable[[Situation], Situation]:
    def change(situation: Situation) -> Situation:
        marks = (msgspec.structs.replace(situation[0].marks[0], **changes),)
        return msgspec.structs.replace(situation[0], marks=marks), situation[1]

    return change


def _suspended(situation: Situation) -> Situation:
    config = msgspec.structs.replace(situation[1].config, suspend=True)
    return situation[0], msgspec.structs.replace(situation[1], config=config)


BLOCKS: dict[HoldReason, Callable[[Situation], Situation]] = {
    HoldReason.HALTED: _ledger_with(halts=("All halted by cli: drill",)),
    HoldReason.SUSPENDED: _suspended,
    HoldReason.GENERATION_PENDING: _risk_with(generation=2),
    HoldReason.NOT_READY: _risk_with(ready=False),
    HoldReason.STALE_RISK: _risk_with(time_ns=example.NOW_NS - 4 * example.SECOND_NS),
    HoldReason.INVALID_QUOTE: _mark_with(valid=False),
    HoldReason.STALE_QUOTE: _mark_with(time_ns=example.NOW_NS - 4 * example.SECOND_NS),
}


@given(situations(), st.sets(st.sampled_from(list(BLOCKS)), min_size=1))
def test_h5_nothing_is_sent_on_what_cannot_be_relied_on(
    situation: Situation, blocks: set[HoldReason]
) -> None:
    for reason in blocks:
        situation = BLOCKS[reason](situation)
    decision = decide(*situation)
    assert isinstance(decision, Hold)
    assert decision.reason in blocks


@given(situations(wide=True, room=True))
def test_h6_clips_end_inside_the_band_within_a_known_number_of_decisions(situation: Situation) -> None:
    first = _only_intent(situation)
    clip = _instrument(situation).delta(first.quantity)
    steps = int((abs(_exposure(situation).excess) / clip).to_integral_value(rounding=ROUND_CEILING)) + 1
    assume(steps <= 50)
    for _ in range(steps):
        decision = decide(*situation)
        if isinstance(decision, Hold):
            break
        situation = _filled(situation, decision.intents[0])
    final = decide(*situation)
    assert isinstance(final, Hold)
    assert final.reason is HoldReason.INSIDE_BAND


@given(situations(), st.lists(st.sampled_from([*BLOCKS]), max_size=1))
def test_h7_a_decision_made_again_from_its_stored_inputs_has_the_same_bytes(
    situation: Situation, blocks: list[HoldReason]
) -> None:
    for reason in blocks:
        situation = BLOCKS[reason](situation)
    risk, ledger = situation
    stored_risk = msgspec.json.decode(encode(risk), type=RiskState)
    stored_ledger = msgspec.json.decode(encode(ledger), type=LedgerSnapshot)
    assert encode(stored_risk) == encode(risk)
    assert encode(stored_ledger) == encode(ledger)
    assert encode(decide(stored_risk, stored_ledger)) == encode(decide(risk, ledger))


@given(situations())
def test_h8_rounding_never_leaves_nothing_to_trade(situation: Situation) -> None:
    intent = _only_intent(situation)
    assert intent.quantity > 0
    assert intent.limit_price > 0


@given(situations())
def test_h9_what_is_decided_passes_the_controls_on_the_same_market(situation: Situation) -> None:
    risk, ledger = situation
    new, mark, config = _only_intent(situation), risk.marks[0], ledger.config
    shared = {
        field: getattr(new, field)
        for field in new.__struct_fields__
        if field not in ("delta", "edge", "rung", "daily_cost")
    }
    facts = example.claim_facts(
        intent=example.intent(**shared),
        instrument=_instrument(situation),
        config=config,
        generation=ledger.generation,
        venue=example.venue(max_gross_notional=LARGE),
        ticker=Ticker(bid=mark.bid, ask=mark.ask, time_ns=mark.time_ns),
        position=ledger.positions[0].quantity,
        now_ns=ledger.read_ns,
    )
    assert check(facts) is None


LIMITS = st.none() | _decimals("10", "500000", 2)


@given(situations(), LIMITS, LIMITS, LIMITS, _decimals("10", "5000000", 2))
def test_h9_also_below_the_ceilings_of_platform_and_venue(
    situation: Situation,
    order: Decimal | None,
    position: Decimal | None,
    gross: Decimal | None,
    on_venue: Decimal,
) -> None:
    risk, free = situation
    ceilings = Ceilings(max_order_notional=order, max_position_notional=position, max_gross_notional=gross)
    ledger = msgspec.structs.replace(free, ceilings=ceilings, gross_limits={example.VENUE: on_venue})
    new, mark = _only_intent((risk, ledger)), risk.marks[0]
    held = ledger.positions[0].quantity
    facts = example.claim_facts(
        intent=example.intent(
            side=new.side, quantity=new.quantity, limit_price=new.limit_price, time_in_force=new.time_in_force
        ),
        instrument=_instrument(situation),
        config=ledger.config,
        venue=example.venue(max_gross_notional=on_venue),
        ceilings=ceilings,
        account_gross_notional=_instrument(situation).notional(held, mark.mid),
        ticker=Ticker(bid=mark.bid, ask=mark.ask, time_ns=mark.time_ns),
        position=held,
    )
    assert check(facts) is None


@given(situations(), _decimals("-30", "30", 3))
def test_the_hedge_counts_wherever_the_strategy_holds_it(situation: Situation, elsewhere: Decimal) -> None:
    risk, ledger = situation
    other = HeldPosition(
        venue="desk/other",
        account=example.ACCOUNT,
        instrument=ledger.positions[0].instrument,
        quantity=elsewhere,
    )
    both = msgspec.structs.replace(ledger, positions=(other, *ledger.positions))
    assert _exposure((risk, both)).net == _exposure(situation).net + _instrument(situation).delta(elsewhere)
