"""An inventory policy held against one risk state: the situation that it scores, and the action that stands."""

from decimal import Decimal
from math import inf

import msgspec

from hedgerow.domain.money import plain
from hedgerow.hedging.inventory import FRACTIONS, RiskScore, Situation, Standing, next_standing, score
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.risk_state import Exposure, Inventory, Mark, RiskState, Volatility
from hedgerow.strategy.compiled import InventoryRisk


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What an inventory is scored, the action that stands with it, and how both came about, in words."""

    score: RiskScore
    standing: Standing
    rule: str


def holding_of(
    rule: InventoryRisk, unhedged: Exposure, mark: Mark, risk: RiskState, ledger: LedgerSnapshot
) -> Holding:
    """
    Raises:
        LookupError: the risk state lacks the inventory or the volatility (it was not ready).
    """
    inventory, volatility = inventory_of(rule.underlying, risk), _volatility(rule.underlying, risk)
    found = score(rule, _situation(unhedged, mark, inventory, volatility, ledger.read_ns))
    standing = next_standing(rule, found, ledger.policy_state.standing(rule.underlying), ledger.read_ns)
    held = abs(unhedged.delta)
    return Holding(
        score=found,
        standing=standing,
        rule=f"risk score {found.words} -> {standing.action}: {FRACTIONS[standing.action]:.0%} of {plain(held)} "
        f"{rule.underlying} hedged",
    )


def inventory_of(underlying: str, risk: RiskState) -> Inventory:
    """
    Raises:
        LookupError: the risk state has none of this underlying.
    """
    for item in risk.inventories:
        if item.underlying == underlying:
            return item
    raise LookupError(f"risk state {risk.sequence} has no inventory of {underlying}")


def _volatility(underlying: str, risk: RiskState) -> Volatility:
    for item in risk.volatilities:
        if item.underlying == underlying:
            return item
    raise LookupError(f"risk state {risk.sequence} has no volatility of {underlying}")


def _situation(
    unhedged: Exposure, mark: Mark, inventory: Inventory, volatility: Volatility, now_ns: int
) -> Situation:
    """Clocks may differ by a little: what was opened just now is not younger than that."""
    since_ns = now_ns if inventory.since_ns is None else inventory.since_ns
    return Situation(
        loss=_loss(inventory),
        age_ns=max(now_ns - since_ns, 0),
        volatility=volatility.annualised,
        depth_share=_share(abs(unhedged.notional), mark.depth_usd),
    )


def _loss(inventory: Inventory) -> float | None:
    """Of what was paid; None while any entry is not known, for the known ones say nothing about the others."""
    if inventory.unknown:
        return None
    return float(-inventory.profit / inventory.cost) if inventory.cost else 0.0


def _share(notional: Decimal, depth_usd: float) -> float:
    if not notional:
        return 0.0
    return float(notional) / depth_usd if depth_usd > 0 else inf
