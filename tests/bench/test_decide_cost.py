"""What one decision costs in each style, beside Clips, the anchor.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_decide_cost.py`. Nothing is gated: the ratios are for reading.
"""

import os
from functools import partial

import hedge_examples as example
import pytest
from hedge_world import World, escalating, over_time, stored
from interleaved import measure

from hedgerow.hedging.decide import decide
from hedgerow.strategy.compiled import CompiledStrategy

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

ANCHOR = "Clips: an order"


def test_the_cost_of_a_decision() -> None:
    situations = {
        ANCHOR: _fresh(example.strategy()),
        "Clips: inside the band": _fresh(example.strategy(), "0.4"),
        "Twap: the first slice": _fresh(over_time()),
        "Twap: waiting for the next": _after_one(over_time()),
        "Escalation: a passive order": _fresh(escalating(2)),
        "Escalation: it waits": _after_one(escalating(2), filled=False),
        "Escalation: it is cancelled": _at_its_deadline(),
    }
    measured = measure(
        {name: (partial(decide, *stored(world)), 1) for name, world in situations.items()}, ANCHOR
    )
    print(f"\n{'decide()':32}{'us':>8}{'time / anchor':>16}")
    for name, result in measured.items():
        print(f"{name:32}{result.seconds * 1e6:8.1f}{1 / result.ratio:16.2f}")


def _fresh(config: CompiledStrategy, delta: str = "1.4") -> World:
    return World(config, delta)


def _after_one(config: CompiledStrategy, filled: bool = True) -> World:
    world = World(config, "1.4")
    world.settle()
    world.accept()
    if filled:
        world.fill_all()
    world.wait(3 * example.SECOND_NS)
    return world


def _at_its_deadline() -> World:
    world = _after_one(escalating(2), filled=False)
    world.wait(10 * example.SECOND_NS)
    return world
