"""Market weather for the demo: what a scenario does to every synthetic market, once a lap."""

from enum import StrEnum
from math import log

import msgspec


class Scenario(StrEnum):
    CALM = "calm"
    CRASH = "crash"
    SQUEEZE = "squeeze"
    GAP = "gap"


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One lap of a scenario.

    Attributes:
        path: (second, log price relative to the lap's start), joined by straight lines; before the multiplication by
            an underlying's beta.
        volatility: what the diffusion's is multiplied by, all lap long.
        stressed_s: from here on `depth` holds.
        depth: what the size of every level is multiplied by; spreads are divided by it.
        closed_s: from when until when there is no market.
    """

    path: tuple[tuple[float, float], ...]
    volatility: float
    stressed_s: float = 0.0
    depth: float = 1.0
    closed_s: tuple[float, float] | None = None


LAP_S = 60.0
_AT_ONCE_S = 1e-6
# A first leap past the largest believable jump, then a slide: together 30 %.
_LEAP = 0.03
_SLIDE = -log(0.7)


def _plunge(direction: float) -> tuple[tuple[float, float], ...]:
    return (
        (10.0, 0.0),
        (10.0 + _AT_ONCE_S, direction * _LEAP),
        (30.0, direction * _SLIDE),
        (LAP_S, direction * _SLIDE),
    )


SHAPES: dict[Scenario, Shape] = {
    Scenario.CALM: Shape(path=((0.0, 0.0),), volatility=0.2, depth=1.5),
    Scenario.CRASH: Shape(path=_plunge(-1.0), volatility=4.0, stressed_s=10.0, depth=0.25),
    Scenario.SQUEEZE: Shape(path=_plunge(1.0), volatility=4.0, stressed_s=10.0, depth=0.25),
    Scenario.GAP: Shape(
        path=((20.0, 0.0), (30.0, -0.12), (LAP_S, -0.12)),
        volatility=1.0,
        stressed_s=20.0,
        depth=0.5,
        closed_s=(20.0, 30.0),
    ),
}
