"""The figures of a replay, and how they are told. Pure."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from statistics import pvariance

import msgspec

from hedgerow.backtest.replay import Replay
from hedgerow.domain.money import ZERO


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Money in quote currency; variances of the profit of one bar.

    Attributes:
        unhedged: profit of the books; price: of the hedge, before its costs; hedged: of both, after fees and funding.
        bars: steps from one bar's end to the next.
        orders: that filled; unfilled, decisions, transitions: as in `Replay`.
        states: share of the bars that end in each.
        worst_ltv: None without a loan.
    """

    strategy: str
    bars: int
    unhedged: Decimal
    price: Decimal
    fees: Decimal
    funding: Decimal
    hedged: Decimal
    unhedged_variance: float
    hedged_variance: float
    turnover: Decimal
    orders: int
    unfilled: int
    decisions: int
    transitions: int
    states: dict[str, float]
    worst_ltv: Decimal | None


def figures_of(replay: Replay) -> Figures:
    steps, last = replay.steps, replay.steps[-1]
    states = [step.state for step in steps]
    ltvs = [step.ltv for step in steps if step.ltv is not None]
    return Figures(
        strategy=replay.strategy.name,
        bars=len(steps) - 1,
        unhedged=last.unhedged,
        price=last.price,
        fees=last.fees,
        funding=last.funding,
        hedged=last.hedged,
        unhedged_variance=_variance([step.unhedged for step in steps]),
        hedged_variance=_variance([step.hedged for step in steps]),
        turnover=sum((order.notional for order in replay.orders), ZERO),
        orders=len(replay.orders),
        unfilled=replay.unfilled,
        decisions=replay.decisions,
        transitions=replay.transitions,
        states={state: states.count(state) / len(states) for state in sorted(set(states))},
        worst_ltv=max(ltvs, default=None),
    )


def table_of(found: Sequence[Figures]) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: a column for each strategy."""
    rows = {
        "bars": [f"{item.bars}" for item in found],
        "profit of the books, USD": [_shown(item.unhedged, 2) for item in found],
        "profit of the hedge's price, USD": [_shown(item.price, 2) for item in found],
        "fees, USD": [_shown(item.fees, 2) for item in found],
        "funding paid, USD": [_shown(item.funding, 2) for item in found],
        "profit of both, USD": [_shown(item.hedged, 2) for item in found],
        "variance of a bar's profit unhedged, USD²": [f"{item.unhedged_variance:,.1f}" for item in found],
        "hedged, USD²": [f"{item.hedged_variance:,.1f}" for item in found],
        "hedged / unhedged": [_ratio(item.hedged_variance, item.unhedged_variance) for item in found],
        "turnover, USD": [_shown(item.turnover, 0) for item in found],
        "orders filled": [f"{item.orders}" for item in found],
        "orders unfilled": [f"{item.unfilled}" for item in found],
        "decisions": [f"{item.decisions}" for item in found],
        "transitions": [f"{item.transitions}" for item in found],
        "bars by state": [
            ", ".join(f"{name} {share:.0%}" for name, share in item.states.items()) for item in found
        ],
        "worst LTV": ["" if item.worst_ltv is None else _shown(item.worst_ltv, 4) for item in found],
    }
    return ["", *(item.strategy for item in found)], [[name, *cells] for name, cells in rows.items()]


def _shown(value: Decimal, places: int) -> str:
    """Rounded by its own rule: ccxt changes that of the process that uses it."""
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,f}"


def _variance(profits: Sequence[Decimal]) -> float:
    return pvariance([float(after - before) for before, after in pairwise(profits)])


def _ratio(part: float, whole: float) -> str:
    return f"{part / whole:.3f}" if whole else ""
