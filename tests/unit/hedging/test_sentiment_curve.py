"""Hedging along a curve over the sentiment score.

S1  The fraction is within [0, maxHedgeFraction], and never falls when the score rises.
S2  It never falls when the depth grows.
S3  What is no score or no depth (NaN, negative, above 1, infinite) is refused, and says so.
S4  No order takes the hedge above what the curve asks for, nor onto the exposure's own side.
S5  Clips that fill end with less than a lot missing, or less than the venue's smallest order; then it holds.
S6  With a no-trade zone it holds while no more than the zone is missing, and an order never fills more than is missing.
S7  A decision made again from its stored inputs has the same bytes.
"""

import os
from decimal import Decimal
from math import inf, isclose, log1p, nan
from random import Random

import hedge_examples as example
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.orders import Side, signed
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge, Hold, HoldReason
from hedgerow.hedging.exposure import net_exposure
from hedgerow.hedging.sentiment import Sizer
from hedgerow.hedging.snapshot import LedgerSnapshot, PolicyState
from hedgerow.schemas.codec import encode
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import SentimentCurve

# Of what decides; each of the cheaper properties has 10,000 in every run, twenty to an example.
CASES = 10_000 if os.environ.get("HEDGEROW_BENCH") else 500
FULL_DEPTH = 1e7
LARGE = Decimal(10) ** 15
LOT = example.PERPETUAL.lot_size

scores = st.floats(min_value=0, max_value=1)
depths = st.floats(min_value=0, max_value=1e12)
lots_held = st.integers(min_value=-80_000, max_value=80_000)
exposures = st.decimals(min_value=-60, max_value=60, places=8)


def _any_curve(random: Random) -> SentimentCurve:
    """One that compiling accepts."""
    inner = sorted(random.sample(range(1, 1000), random.randint(0, 6)))
    xs = ["0", *(f"0.{number:03d}" for number in inner), "1"]
    ys = sorted(random.choice((0, 1000, random.randint(0, 1000))) for _ in xs)
    maximum = random.choice((1000, random.randint(1, 1000)))
    knots = [(x, str(Decimal(y) / 1000)) for x, y in zip(xs, ys, strict=True)]
    return example.curve(*knots, maximum=str(Decimal(maximum) / 1000))


# Made once: drawing a curve anew costs a hundred times what sizing by it does.
CURVES = [example.curve(), *(_any_curve(Random(seed)) for seed in range(1_000))]
curves = st.sampled_from(CURVES)
SIZERS = [(declared, Sizer(declared)) for declared in CURVES]
# Twenty at once, so that 500 examples are 10,000 cases.
sizers = st.integers(min_value=0, max_value=49).map(lambda start: SIZERS[start:1_000:50])


def situation(
    declared: SentimentCurve,
    delta: Decimal | str,
    score: float = 0.7,
    depth: float = FULL_DEPTH,
    held: Decimal | str = "0",
) -> tuple[RiskState, LedgerSnapshot]:
    risk = example.risk(str(delta), marks=(example.mark(depth_usd=depth),), scores=(example.score(score),))
    config = example.by_score(declared, limits=example.limits(max_position_notional=LARGE))
    return risk, example.snapshot(str(held), config=config)


@settings(max_examples=500)
@given(sizers, depths, scores, scores)
def test_s1_the_fraction_rises_with_the_score_and_stays_below_its_maximum(
    some: list[tuple[SentimentCurve, Sizer]], depth: float, one: float, other: float
) -> None:
    for declared, sizer in some:
        lower, higher = (sizer.size(score, depth).fraction for score in sorted((one, other)))
        assert 0 <= lower <= float(declared.max_hedge_fraction)
        assert lower <= higher or isclose(lower, higher, abs_tol=1e-12)
        assert sizer.size(1.0, depth).fraction == float(declared.max_hedge_fraction)


@settings(max_examples=500)
@given(sizers, scores, depths, depths)
def test_s2_the_fraction_never_falls_when_the_depth_grows(
    some: list[tuple[SentimentCurve, Sizer]], score: float, one: float, other: float
) -> None:
    for _, sizer in some:
        thin, deep = (sizer.size(score, depth) for depth in sorted((one, other)))
        assert 0 <= thin.weight <= deep.weight <= 1
        assert thin.fraction <= deep.fraction or isclose(thin.fraction, deep.fraction, abs_tol=1e-12)


@settings(max_examples=500)
@given(sizers, st.floats().filter(lambda value: not 0 <= value <= 1), st.floats())
def test_s3_what_is_no_score_or_no_depth_is_refused(
    some: list[tuple[SentimentCurve, Sizer]], score: float, depth: float
) -> None:
    for _, sizer in some:
        with pytest.raises(ValueError, match=r"score is .*; a score is a number from 0 to 1"):
            sizer.size(score, FULL_DEPTH)
        if not 0 <= depth < inf:
            with pytest.raises(ValueError, match=r"depth_usd is .*; a depth is a finite number of USD"):
                sizer.size(0.5, depth)


@settings(max_examples=CASES)
@given(curves, exposures, scores, depths, lots_held)
def test_s4_no_order_hedges_more_than_the_curve_asks_for(
    declared: SentimentCurve, delta: Decimal, score: float, depth: float, lots: int
) -> None:
    held = lots * LOT
    risk, ledger = situation(declared, delta, score, depth, held)
    decision = decide(risk, ledger)
    if not isinstance(decision, Hedge):
        return
    (intent,) = decision.intents
    after = held + signed(intent.side, intent.quantity)
    against = -1 if delta >= 0 else 1
    hedged, wanted = after * against, _wanted(declared, delta, score, depth)
    if intent.side.sign == against:
        assert hedged <= wanted
    else:
        assert hedged > wanted - LOT
        assert hedged >= 0
    assert after % LOT == 0


@settings(max_examples=CASES)
@given(curves, st.decimals(min_value=-6, max_value=6, places=8), scores, depths)
def test_s5_clips_that_fill_end_with_less_than_a_lot_or_the_smallest_order_missing(
    declared: SentimentCurve, delta: Decimal, score: float, depth: float
) -> None:
    risk, ledger = situation(declared, delta, score, depth)
    smallest = example.PERPETUAL.smallest_quantity(risk.marks[0].bid)
    for _ in range(20):
        decision = decide(risk, ledger)
        if isinstance(decision, Hold):
            break
        (intent,) = decision.intents
        ledger = _filled(ledger, intent.side, intent.quantity)
        risk = _again(risk, ledger.read_ns)
    assert isinstance(decision, Hold)
    assert decision.reason in (HoldReason.INSIDE_BAND, HoldReason.BELOW_MINIMUM)
    missing = _wanted(declared, delta, score, depth) - abs(ledger.positions[0].quantity)
    assert 0 <= missing < (LOT if decision.reason is HoldReason.INSIDE_BAND else smallest + LOT)


@settings(max_examples=CASES)
@given(curves, exposures, scores, depths, lots_held, st.integers(min_value=1, max_value=200_000))
def test_s6_inside_its_zone_it_holds_and_never_fills_more_than_is_missing(
    declared: SentimentCurve, delta: Decimal, score: float, depth: float, lots: int, notional: int
) -> None:
    held = lots * LOT
    declared = msgspec.structs.replace(declared, no_trade_notional=Decimal(notional))
    risk, ledger = situation(declared, delta, score, depth, held)
    hedged = -held if delta >= 0 else held
    missing = _wanted(declared, delta, score, depth) - hedged
    zone = notional / risk.exposures[0].mark
    decision = decide(risk, ledger)
    if isinstance(decision, Hedge):
        (intent,) = decision.intents
        assert intent.quantity <= abs(missing) + LOT
        # It lacks more than the zone, or there is too much of it, or it stands on the exposure's own side.
        assert missing > zone - LOT or missing < 0 or hedged < 0
    elif decision.reason is HoldReason.INSIDE_BAND:
        assert 0 <= missing < zone + LOT


def test_s7_a_decision_made_again_has_the_same_bytes_and_the_numbers_are_told() -> None:
    risk, ledger = situation(example.curve(), "2", score=0.7)
    again = (
        msgspec.json.decode(encode(risk), type=RiskState),
        msgspec.json.decode(msgspec.json.encode(ledger), type=LedgerSnapshot),
    )
    assert msgspec.json.encode(decide(*again)) == msgspec.json.encode(decide(risk, ledger))
    exposure = net_exposure(ledger.config.sentiment_curves[0], risk, ledger)
    assert exposure.rule == "score 0.7 x weight 1.0000 (depth 10,000,000 USD) -> 75.00% of 2 BTC hedged"
    assert (exposure.lower, exposure.upper) == (Decimal("0.5"), Decimal("0.5"))


@pytest.mark.parametrize(
    ("score", "depth", "fraction"),
    [
        (0.0, FULL_DEPTH, 0.05),
        (0.3, FULL_DEPTH, 0.25),
        (0.7, FULL_DEPTH, 0.75),
        (0.7, 1e12, 0.75),
        (1.0, FULL_DEPTH, 1.0),
        (1.0, 0.0, 1.0),
        (0.7, 0.0, 0.05),
    ],
)
def test_hedge_engines_formula(score: float, depth: float, fraction: float) -> None:
    sized = Sizer(example.curve()).size(score, depth)
    assert sized.fraction == pytest.approx(fraction, abs=1e-15)
    assert sized.weight == min(1.0, log1p(depth) / log1p(1e7))


@pytest.mark.parametrize("value", [nan, -0.01, 1.01, inf])
def test_a_bad_score_never_becomes_a_hedge(value: float) -> None:
    """hedge-engine hedges all of it on NaN."""
    with pytest.raises(ValueError, match="a score is a number from 0 to 1"):
        Sizer(example.curve()).size(value, FULL_DEPTH)


def test_a_maximum_holds_at_every_score() -> None:
    sizer = Sizer(example.curve(maximum="0.6"))
    assert [sizer.size(score, FULL_DEPTH).fraction for score in (0.7, 0.99, 1.0)] == [0.6] * 3


@pytest.mark.parametrize(
    ("delta", "held", "side", "quantity"),
    [("0.4", "0", Side.SELL, "0.3"), ("-0.4", "0", Side.BUY, "0.3"), ("0.4", "-0.5", Side.BUY, "0.2")],
    ids=["long is sold", "short is bought", "a hedge beyond the curve is taken back"],
)
def test_the_order_goes_towards_the_curve(delta: str, held: str, side: Side, quantity: str) -> None:
    decision = decide(*situation(example.curve(), delta, held=held))
    assert isinstance(decision, Hedge)
    assert [(item.side, item.quantity) for item in decision.intents] == [(side, Decimal(quantity))]


def test_without_an_exposure_there_is_no_hedge() -> None:
    decision = decide(*situation(example.curve(), "0", score=1.0))
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.INSIDE_BAND


def _wanted(declared: SentimentCurve, delta: Decimal, score: float, depth: float) -> Decimal:
    """What the curve asks for, before any rounding; never negative."""
    return abs(delta) * Decimal(repr(Sizer(declared).size(score, depth).fraction))


def _filled(ledger: LedgerSnapshot, side: Side, quantity: Decimal) -> LedgerSnapshot:
    held = ledger.positions[0]
    return msgspec.structs.replace(
        ledger,
        version=ledger.version + 2,
        read_ns=ledger.read_ns + ledger.config.execution.cooldown_ns,
        policy_state=PolicyState(last_decided_ns=ledger.read_ns),
        positions=(msgspec.structs.replace(held, quantity=held.quantity + signed(side, quantity)),),
    )


def _again(risk: RiskState, now_ns: int) -> RiskState:
    """The same, seen anew."""
    return msgspec.structs.replace(
        risk,
        time_ns=now_ns,
        marks=tuple(msgspec.structs.replace(mark, time_ns=now_ns) for mark in risk.marks),
        scores=tuple(msgspec.structs.replace(score, time_ns=now_ns) for score in risk.scores),
    )
