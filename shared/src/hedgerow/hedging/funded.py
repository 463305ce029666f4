"""A hedge that is wanted, made smaller by what its funding costs, with the 24 hours' forecast in words. Pure."""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from hedgerow.domain.age import age_problem
from hedgerow.domain.money import BPS, exact_decimal
from hedgerow.hedging.funding import apr_of, daily_cost, points_of, regime_of, worth_of
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.records import Funding
from hedgerow.schemas.risk_state import Exposure, Mark

_CENT = Decimal("0.01")
# Of a part: 0.45 is not to come out as 0.4499…9, a lot less.
_DIGITS = 12


class Funded(msgspec.Struct, frozen=True):
    """
    Attributes:
        hedge: the delta that is worth its funding; words: how it came about, to go on a sentence with.
        points: for the risk score.
        daily_cost: forecast for 24 hours of it, in the strategy's currency, below zero what it earns; None where
            funding does not count or is not known.
    """

    hedge: Decimal
    words: str = ""
    points: int = 0
    daily_cost: Decimal | None = None


def fund(wanted: Decimal, unhedged: Exposure, mark: Mark, ledger: LedgerSnapshot, *, spared: bool) -> Funded:
    """
    Args:
        wanted: delta of the hedge. spared: it is needed whatever it costs.
    """
    aware = ledger.config.funding
    if aware is None:
        return Funded(wanted)
    funding = mark.funding
    unknown = (
        "not told yet" if funding is None else age_problem(funding.time_ns, ledger.read_ns, aware.max_age_ns)
    )
    if funding is None or unknown is not None:
        return Funded(
            wanted, f"; funding of {mark.instrument} is not known ({unknown}), so it takes nothing off"
        )
    limit = None if aware.max_daily_cost_bps is None else float(aware.max_daily_cost_bps)
    part = 1.0 if spared else worth_of(funding, float(wanted), float(unhedged.delta), limit)
    hedge = wanted * exact_decimal(round(part, _DIGITS))
    share = exact_decimal(daily_cost(funding, float(hedge)))
    cost = (abs(hedge) * unhedged.mark * share).quantize(_CENT, ROUND_HALF_EVEN)
    return Funded(hedge, _words(funding, part, cost, share * BPS), points_of(funding), cost)


def _words(funding: Funding, part: float, cost: Decimal, bps: Decimal) -> str:
    apr = apr_of(funding.rate, funding.interval_ns)
    verb = "costs" if cost > 0 else "earns"
    return (
        f"; funding APR {apr:.2f}% ({regime_of(apr)}) leaves {part:.2%} of it, which {verb} {abs(cost):,.2f} in 24 h "
        f"({abs(bps):.2f} bps)"
    )
