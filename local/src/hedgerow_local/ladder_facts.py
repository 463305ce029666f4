"""What the ledger's decisions say of LTV ladders: each state that one entered, as that decision saw it."""

from collections.abc import Iterator
from decimal import Decimal

import asyncpg
import msgspec

from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.ladder import LadderStanding, target_of
from hedgerow.hedging.loan_to_value import ltv_of
from hedgerow.ledger.strategies import read_strategies
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import LoanToValue
from hedgerow_local.climb import Entered, LadderRecord


async def read_ladders(connection: asyncpg.Connection, since_ns: int) -> tuple[LadderRecord, ...]:
    """Of every live strategy that has one, since then."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return tuple(
            [
                record
                for item in await read_strategies(connection)
                if item.config.loan_to_value is not None
                for record in _records(
                    item, item.config.loan_to_value, await _entries(connection, item, since_ns)
                )
            ]
        )


async def _entries(
    connection: asyncpg.Connection, item: StrategyPublished, since_ns: int
) -> list[tuple[LadderStanding, RiskState]]:
    """Each standing once, with the risk state of the decision that brought it."""
    rows = await connection.fetch(
        "select risk_state, decision from decisions where strategy_uid = $1 and decided_ns >= $2 order by id",
        item.uid,
        since_ns,
    )
    found: list[tuple[LadderStanding, RiskState]] = []
    for row in rows:
        standing = msgspec.json.decode(row["decision"], type=Hedge).policy_state.ladder
        if standing is not None and (not found or found[-1][0] != standing):
            found.append((standing, msgspec.json.decode(row["risk_state"], type=RiskState)))
    return found


def _records(
    item: StrategyPublished, ladder: LoanToValue, entries: list[tuple[LadderStanding, RiskState]]
) -> Iterator[LadderRecord]:
    for rule in item.config.rules:
        entered = [
            found
            for standing, risk in entries
            if (found := _entered(standing, risk, ladder, rule.underlying)) is not None
        ]
        yield LadderRecord(
            strategy=item.config.key, uid=item.uid, underlying=rule.underlying, entered=tuple(entered)
        )


def _entered(
    standing: LadderStanding, risk: RiskState, ladder: LoanToValue, underlying: str
) -> Entered | None:
    """None without an exposure: there is nothing to be hedged then."""
    exposure = next((found.delta for found in risk.exposures if found.underlying == underlying), Decimal(0))
    if risk.loan is None or not exposure:
        return None
    target = target_of(ladder, standing.state)
    wants = target.hedge_fraction
    if wants is None:
        assert target.target_delta is not None
        wants = 1 - target.target_delta / exposure
    return Entered(
        standing=standing,
        ltv=ltv_of(risk.loan),
        wants=wants,
        exposure=exposure,
        zone=ladder.no_trade_notional,
    )
