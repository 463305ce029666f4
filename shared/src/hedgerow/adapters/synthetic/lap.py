"""One lap of an underlying: a trading day, or a scenario. Pure: the same seed gives the same lap."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from hedgerow.adapters.synthetic.models import UNDERLYINGS, Underlying
from hedgerow.adapters.synthetic.scenarios import LAP_S, SHAPES, Scenario, Shape
from hedgerow.analytics.jump_diffusion import log_returns

SECOND_NS = 1_000_000_000
# A session of New York's length, and a night short enough to be seen.
SESSION_S = 6.5 * 3_600
DAY_S = 7 * 3_600

NIGHT = "closed: outside session hours"
HALTED = "closed: trading is halted"


class Lap(msgspec.Struct, frozen=True):
    """What every event of a lap finds; arrays by the event's index.

    Attributes:
        prices: of the underlying, in quote currency.
        depth: what the size of every level is multiplied by.
        closed: whether there is no market; `closed_reason` says why.
    """

    duration_ns: int
    prices: NDArray[np.float64]
    depth: NDArray[np.float64]
    closed: NDArray[np.bool_]
    closed_reason: str


def make_lap(underlying: str, seed: int, interval_ns: int, scenario: Scenario | None) -> Lap:
    """The lap of an underlying, an event each `interval_ns`.

    Raises:
        KeyError: there is no model of this underlying.
    """
    model = UNDERLYINGS[underlying]
    random = np.random.default_rng([seed, *f"{scenario or 'day'}/{underlying}".encode()])
    if scenario is None:
        return _trading_day(model, interval_ns, random)
    return _stressed(model, SHAPES[scenario], interval_ns, random)


def _trading_day(model: Underlying, interval_ns: int, random: np.random.Generator) -> Lap:
    seconds = _seconds(DAY_S, interval_ns)
    closed = seconds >= SESSION_S if model.has_session else np.zeros(len(seconds), dtype=np.bool_)
    return Lap(
        duration_ns=int(DAY_S * SECOND_NS),
        prices=model.start * np.exp(_diffusion(model, 1.0, len(seconds), interval_ns, random)),
        depth=np.ones(len(seconds)),
        closed=closed,
        closed_reason=NIGHT,
    )


def _stressed(model: Underlying, shape: Shape, interval_ns: int, random: np.random.Generator) -> Lap:
    seconds = _seconds(LAP_S, interval_ns)
    times, levels = zip(*shape.path, strict=True)
    move = model.beta * np.interp(seconds, times, levels)
    closed = np.zeros(len(seconds), dtype=np.bool_)
    if shape.closed_s is not None:
        closed = (seconds >= shape.closed_s[0]) & (seconds < shape.closed_s[1])
    return Lap(
        duration_ns=int(LAP_S * SECOND_NS),
        prices=model.start
        * np.exp(move + _diffusion(model, shape.volatility, len(seconds), interval_ns, random)),
        depth=np.where(seconds >= shape.stressed_s, shape.depth, 1.0),
        closed=closed,
        closed_reason=HALTED,
    )


def _seconds(lap_s: float, interval_ns: int) -> NDArray[np.float64]:
    """When each event happens, in seconds after the lap's start."""
    return np.arange(0, int(lap_s * SECOND_NS), interval_ns) / SECOND_NS


def _diffusion(
    model: Underlying, volatility: float, events: int, interval_ns: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Log prices relative to the first event's."""
    process = msgspec.structs.replace(model.process, volatility=model.process.volatility * volatility)
    returns = log_returns(process, events - 1, interval_ns / SECOND_NS / model.year_s, random)
    return np.concatenate(([0.0], np.cumsum(returns)))
