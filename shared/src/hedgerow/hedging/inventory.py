"""How risky an inventory is to hold: a score from 0 to 100, and what follows from it.

    loss       = 35 x min(1, unrealised loss / (maxLoss x what was paid))
    age        = 20 x min(1, age of the oldest position / maxAge)
    volatility = 25 x min(1, annualised volatility / maxVolatility)
    liquidity  = 20 x min(1, |net delta| x mark / (maxDepthShare x depth near the mid))

Each part is linear up to where it is full, so it never falls when its risk grows, and it never goes beyond its points.
"""

from enum import StrEnum
from math import inf, isfinite

import msgspec

from hedgerow.strategy.compiled import InventoryRisk, Reevaluation

LOSS_POINTS, AGE_POINTS, VOLATILITY_POINTS, LIQUIDITY_POINTS = 35.0, 20.0, 25.0, 20.0


class Action(StrEnum):
    """What is done with the inventory, from nothing to everything."""

    HOLD = "Hold"
    REDUCE = "Reduce"
    PARTIAL = "Partial"
    FULL = "Full"
    LIQUIDATE = "Liquidate"

    @property
    def rank(self) -> int:
        return _RANKS[self]


# Of each action: the score from which on it holds, and the fraction of the inventory that it hedges.
_THRESHOLDS = {
    Action.LIQUIDATE: 85.0,
    Action.FULL: 70.0,
    Action.PARTIAL: 55.0,
    Action.REDUCE: 40.0,
    Action.HOLD: -inf,
}
FRACTIONS = {
    Action.LIQUIDATE: 1.0,
    Action.FULL: 1.0,
    Action.PARTIAL: 0.5,
    Action.REDUCE: 0.25,
    Action.HOLD: 0.0,
}
_RANKS = {action: rank for rank, action in enumerate(Action)}
# No cost and no zone keeps these from trading.
MUST_ACT = frozenset({Action.FULL, Action.LIQUIDATE})


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What the score is made of.

    Attributes:
        loss: unrealised, as a fraction of what was paid; negative is a profit, None is not known.
        age_ns: of the oldest position; volatility: annualised, 1.0 is 100 %.
        depth_share: the inventory's value over what rests near the mid; infinite in an empty market.
    """

    loss: float | None
    age_ns: int
    volatility: float
    depth_share: float


class RiskScore(msgspec.Struct, frozen=True, kw_only=True):
    """The parts, in points. `loss` is None where it is not known: then `total` is only what it is at least."""

    loss: float | None
    age: float
    volatility: float
    liquidity: float

    @property
    def total(self) -> float:
        return (self.loss or 0.0) + self.age + self.volatility + self.liquidity

    @property
    def words(self) -> str:
        loss = "loss not known" if self.loss is None else f"loss {self.loss:.1f}"
        return (
            f"{'at least ' if self.loss is None else ''}{self.total:.1f} ({loss} + age {self.age:.1f} + volatility "
            f"{self.volatility:.1f} + liquidity {self.liquidity:.1f})"
        )


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The action that stands for one underlying, and since when: what is remembered from decision to decision."""

    underlying: str
    action: Action
    since_ns: int


def score(rule: InventoryRisk, situation: Situation) -> RiskScore:
    """
    Raises:
        ValueError: a number is NaN, or negative where only a loss may be.
    """
    for name in ("age_ns", "volatility", "depth_share"):
        value = getattr(situation, name)
        if not value >= 0:
            raise ValueError(f"{name} is {value!r}; it is a number that is not negative")
    if situation.loss is not None and not isfinite(situation.loss):
        raise ValueError(f"loss is {situation.loss!r}; a loss is a finite number")
    return RiskScore(
        loss=None
        if situation.loss is None
        else _points(LOSS_POINTS, max(situation.loss, 0.0), float(rule.max_loss)),
        age=_points(AGE_POINTS, float(situation.age_ns), float(rule.max_age_ns)),
        volatility=_points(VOLATILITY_POINTS, situation.volatility, float(rule.max_volatility)),
        liquidity=_points(LIQUIDITY_POINTS, situation.depth_share, float(rule.max_depth_share)),
    )


def action_at(total: float) -> Action:
    """The action of a score, whatever was before."""
    return next(action for action, threshold in _THRESHOLDS.items() if total >= threshold)


def next_standing(rule: InventoryRisk, found: RiskScore, before: Standing | None, now_ns: int) -> Standing:
    """The action that stands from now on.

    It rises at once. It is lowered only once it stood for its re-evaluation time, and then to what the score still
    reaches with the hysteresis added; and never while the loss is not known, for the score is then only a lower bound.
    """
    reached = action_at(found.total)
    if found.loss is None:
        reached = max(reached, Action.REDUCE, key=_RANKS.__getitem__)
    if before is None or reached.rank > before.action.rank:
        return Standing(underlying=rule.underlying, action=reached, since_ns=now_ns)
    if found.loss is None or now_ns < reevaluated_ns(rule.reevaluation, before):
        return before
    lowered = action_at(found.total + float(rule.hysteresis))
    if lowered.rank >= before.action.rank:
        return before
    return Standing(underlying=rule.underlying, action=lowered, since_ns=now_ns)


def reevaluated_ns(times: Reevaluation, standing: Standing) -> int:
    """When the action may be lowered; of Hold nothing can be."""
    stands_ns = {
        Action.HOLD: 0,
        Action.REDUCE: times.reduce_ns,
        Action.PARTIAL: times.partial_ns,
        Action.FULL: times.full_ns,
        Action.LIQUIDATE: times.liquidate_ns,
    }
    return standing.since_ns + stands_ns[standing.action]


def _points(most: float, value: float, full_at: float) -> float:
    return most * min(1.0, value / full_at)
