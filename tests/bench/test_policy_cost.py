"""What one step of a policy costs beside scipy's curve and the figure that hedge-engine tells of itself."""

import timeit
from statistics import median

import hedge_examples as example
from scipy.interpolate import PchipInterpolator

from hedgerow.hedging.sentiment import Sizer
from hedgerow.kernels import HedgeCurve

# hedge-engine's own figure for a step, and scipy's for the curve alone on the machine that it was measured on.
HEDGE_ENGINE_US, SCIPY_THERE_US = 5.3, 2.9
CALLS, ROUNDS = 10_000, 15
KNOTS = ([0.0, 0.3, 0.7, 1.0], [0.05, 0.25, 0.75, 1.0])


def _p50_us(*sides: timeit.Timer) -> list[float]:
    """Of each side, a round of one after a round of the other, so that the machine's moods meet both."""
    rounds = [[side.timeit(CALLS) / CALLS * 1e6 for side in sides] for _ in range(ROUNDS)]
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
