"""What a hedge would cost beside the mid, and when that keeps it from being sent."""

from decimal import Decimal
from math import inf

from hedgerow.hedging.decision import Hold, HoldReason
from hedgerow.hedging.exposure import NetExposure
from hedgerow.hedging.inventory import MUST_ACT
from hedgerow.hedging.legs import LegView
from hedgerow.schemas.risk_state import Mark
from hedgerow.strategy.compiled import CompiledStrategy, InventoryRisk, Rule


def crossing_cost_bps(mark: Mark, notional: Decimal) -> float:
    """Half the spread, and the average way through the book of an order of this value, in bps of the mid.

    What rests within `depth_bps` of the mid is taken to be spread evenly, half of it on each side; an order larger
    than that goes on at the same slope. Fees are not in it.
    """
    half_spread = float((mark.ask - mark.bid) / mark.mid) * 1e4 / 2
    if mark.depth_usd <= 0:
        return inf
    return half_spread + mark.depth_bps / 2 * float(notional) / (mark.depth_usd / 2)


def why_too_dear(rule: Rule, exposure: NetExposure, at: LegView, config: CompiledStrategy) -> Hold | None:
    """Why an inventory policy lets a hedge wait for a cheaper market.

    Never with Full or Liquidate, and never for what takes back a hedge that is larger than the exposure or stands on
    its side: no cost outweighs that.
    """
    if not isinstance(rule, InventoryRisk) or exposure.standing is None:
        return None
    if exposure.standing.action in MUST_ACT or _adds_risk(exposure):
        return None
    notional = min(abs(exposure.excess) * at.mark.mid, config.execution.clip_notional)
    cost = crossing_cost_bps(at.mark, notional)
    if cost <= rule.max_cost_bps:
        return None
    return Hold(
        reason=HoldReason.TOO_DEAR,
        detail=f"{notional:.2f} {config.currency} of {at.instrument.symbol} would cost {cost:.1f} bps beside the mid, "
        f"maxCostBps is {rule.max_cost_bps:f}; {exposure.rule}",
    )


def _adds_risk(exposure: NetExposure) -> bool:
    """Whether the hedge as it is makes things worse: more than the exposure, or the same way."""
    return exposure.hedge * exposure.unhedged > 0 or abs(exposure.hedge) > abs(exposure.unhedged)
