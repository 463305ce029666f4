"""What one step of a policy costs beside scipy's curve and the figure that hedge-engine tells of itself."""

import timeit
from statistics import median

import hedge_examples as example
from scipy.interpolate import PchipInterpolator

from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.exposure import net_exposure
from hedgerow.hedging.inventory import Action, Situation, Standing, next_standing, score
from hedgerow.hedging.loan_watch import ladder_standing
from hedgerow.hedging.sentiment import Sizer
from hedgerow.kernels import HedgeCurve

# hedge-engine's own figure for a step, and scipy's for the curve alone on the machine that it was measured on.
HEDGE_ENGINE_US, SCIPY_THERE_US = 5.3, 2.9
CALLS, ROUNDS = 10_000, 15
KNOTS = ([0.0, 0.3, 0.7, 1.0], [0.05, 0.25, 0.75, 1.0])


def _p50_us(*sides: timeit.Timer, calls: int = CALLS) -> list[float]:
    """Of each side, a round of one after a round of the other, so that the machine's moods meet both."""
    rounds = [[side.timeit(calls) / calls * 1e6 for side in sides] for _ in range(ROUNDS)]
    return [median(of_side) for of_side in zip(*rounds, strict=True)]


def test_sizing_a_hedge() -> None:
    curve, peer, sizer = HedgeCurve(*KNOTS), PchipInterpolator(*KNOTS), Sizer(example.curve())
    assert abs(curve(0.4321) - float(peer(0.4321))) < 1e-12
    curve_us, sized_us, peer_us = _p50_us(
        timeit.Timer(lambda: curve(0.4321)),
        timeit.Timer(lambda: sizer.size(0.4321, 2e6)),
        timeit.Timer(lambda: peer(0.4321)),
    )
    print(
        f"curve                       p50 {curve_us:.2f} µs, {peer_us / curve_us:.1f} x scipy's ({peer_us:.2f} µs)"
    )
    there_us = HEDGE_ENGINE_US / SCIPY_THERE_US * peer_us
    print(
        f"score and depth to fraction p50 {sized_us:.2f} µs, {there_us / sized_us:.1f} x hedge-engine's "
        f"({HEDGE_ENGINE_US} µs where scipy takes {SCIPY_THERE_US} µs)"
    )
    assert curve_us < peer_us


def _hedgelocks_step(debt: float, collateral: float, delta: float) -> tuple[str, float, float]:
    """HedgeLock's rule as it publishes it, in floats: state, score and hedge, without haircut, hysteresis or stay."""
    ltv = debt / collateral if collateral > 0 else 0.0
    state = "CRITICAL" if ltv >= 0.9 else "DANGER" if ltv >= 0.8 else "CAUTION" if ltv >= 0.65 else "NORMAL"
    target = {"NORMAL": 0.0, "CAUTION": 0.02, "DANGER": 0.0, "CRITICAL": -0.1}[state]
    score = round(0.7 * min(100 * ltv, 100) + 0.3 * min(10 * abs(delta), 100), 2)
    return state, score, target - delta


def test_a_step_of_the_ladder() -> None:
    risk = example.risk("2", loan=example.loan("0.7"))
    ledger = example.snapshot(config=example.by_ltv())
    (rule,) = ledger.config.rules
    assert net_exposure(rule, risk, ledger).excess > 0
    step_us, sized_us, decided_us, peer_us = _p50_us(
        timeit.Timer(lambda: ladder_standing(risk, ledger)),
        timeit.Timer(lambda: net_exposure(rule, risk, ledger)),
        timeit.Timer(lambda: decide(risk, ledger)),
        timeit.Timer(lambda: _hedgelocks_step(70_000.0, 100_000.0, 2.0)),
        calls=2_000,
    )
    anchor = f"HedgeLock's rule in floats is {peer_us:.2f} µs"
    print(f"ladder: LTV to state        p50 {step_us:.2f} µs (aim 20), {step_us / peer_us:.1f} x; {anchor}")
    print(f"ladder: LTV to hedge, words p50 {sized_us:.2f} µs, {sized_us / peer_us:.1f} x; {anchor}")
    print(f"ladder: the whole decision  p50 {decided_us:.2f} µs, {decided_us / peer_us:.1f} x; {anchor}")
    assert step_us < sized_us < decided_us


def test_deciding_by_an_inventory_s_risk() -> None:
    """The score with the action that stands, and a whole decision that ends in an order, beside the Band's."""
    rule, peer = example.inventory_rule(), PchipInterpolator(*KNOTS)
    situation = Situation(loss=0.03, age_ns=3_600_000_000_000, volatility=0.6, depth_share=0.01)
    before = Standing(underlying="BTC", action=Action.REDUCE, since_ns=0)
    scored_us, peer_us = _p50_us(
        timeit.Timer(lambda: next_standing(rule, score(rule, situation), before, example.NOW_NS)),
        timeit.Timer(lambda: peer(0.4321)),
    )
    risk = example.risk(
        "2",
        marks=(example.mark(depth_usd=1e7, depth_bps=20.0),),
        inventories=(example.inventory(loss=0.04, age_s=3600),),
        volatilities=(example.volatility(0.8),),
    )
    ledger, banded = example.snapshot(config=example.by_risk()), example.snapshot()
    assert all(isinstance(decide(risk, side), Hedge) for side in (ledger, banded))
    step_us, band_us = _p50_us(
        timeit.Timer(lambda: decide(risk, ledger)), timeit.Timer(lambda: decide(risk, banded)), calls=500
    )
    print(
        f"score and action            p50 {scored_us:.2f} µs, {scored_us / peer_us:.2f} x scipy's curve "
        f"({peer_us:.2f} µs)"
    )
    print(
        f"whole decision              p50 {step_us:.1f} µs, {step_us / band_us:.2f} x the Band's ({band_us:.1f} µs)"
    )
    assert step_us < 4 * band_us
