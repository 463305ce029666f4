"""The demo's report and its verdict: pure, from collected facts."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.domain.money import ZERO, plain
from hedgerow_local import client_orders, climb
from hedgerow_local.balance import Accounts, imbalances
from hedgerow_local.client_orders import ClientOrders
from hedgerow_local.counters import StageCounts
from hedgerow_local.exposure import ExposureSummary
from hedgerow_local.latency import Latency

LEAST_EXCURSIONS = 3
SIDES = ("venue", "ledger", "journal")
LEAST_FILLED = 3


class HedgeCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Hedges of the session, by what became of them.

    Attributes:
        decided: intents; sent: orders that a claim let out.
        filled: wholly; cancelled: the rest of an order that was filled in part or not at all.
        unknown: whose fate was not known for a while; open: not concluded now.
    """

    decided: int
    sent: int
    filled: int
    cancelled: int
    rejected: int
    refused: int
    expired: int
    unknown: int
    abandoned: int
    open: int


class InstrumentHedges(msgspec.Struct, frozen=True, kw_only=True):
    """Hedges of the session in one instrument.

    Attributes:
        decided, filled: intents; fills: executions.
        bought, sold: contracts.
    """

    instrument: str
    decided: int
    filled: int
    fills: int
    bought: Decimal
    sold: Decimal


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the report is made from. Seconds since the command began.

    Attributes:
        held: every (strategy, underlying) that is to be kept in a band.
        climbs: what LTV ladders did in a market that was made to fall and come back; None in any other.
    """

    stages: dict[str, StageCounts]
    orders: ClientOrders
    hedges: HedgeCounts
    instruments: tuple[InstrumentHedges, ...]
    held: tuple[tuple[str, str], ...]
    exposures: tuple[ExposureSummary, ...]
    latencies: dict[str, Latency]
    restarts: dict[str, int]
    accounts: Accounts
    startup_s: dict[str, float]
    first_hedge_s: float | None
    climbs: tuple[climb.Climb, ...] | None = None


def problems(facts: Facts) -> list[str]:
    """Why the demo did not show what it should; empty when it did."""
    found = imbalances(facts.accounts) + client_orders.differences(facts.orders)
    if facts.hedges.open:
        found.append(f"{facts.hedges.open} intents are still open")
    if not facts.held:
        found.append("no strategy is live: nothing was held against a band")
    seen = {(item.strategy, item.underlying) for item in facts.exposures}
    found += [
        f"{strategy}: risk published no exposure of {underlying} that can be relied on"
        for strategy, underlying in facts.held
        if (strategy, underlying) not in seen
    ]
    found += [
        f"{item.strategy}: the net {item.underlying} exposure ended at {plain(item.end)}, outside "
        f"[{plain(item.lower)}, {plain(item.upper)}]"
        for item in facts.exposures
        if not item.inside
    ]
    excursions = sum(item.excursions for item in facts.exposures)
    if excursions < LEAST_EXCURSIONS:
        found.append(f"the exposure left its band {excursions} times; at least {LEAST_EXCURSIONS} are needed")
    if facts.hedges.filled < LEAST_FILLED:
        found.append(f"{facts.hedges.filled} hedges were filled; at least {LEAST_FILLED} are needed")
    return found if facts.climbs is None else found + climb.problems_of(facts.climbs)


def as_json(facts: Facts) -> dict[str, Any]:
    """The report as `.run/demo-report.json` holds it; decimal numbers as strings."""
    return {
        "stages": {
            role: {"in": counts.received, "out": counts.sent, "dead": counts.dead}
            for role, counts in facts.stages.items()
        },
        "orders": client_orders.as_json(facts.orders),
        "hedges": msgspec.to_builtins(facts.hedges),
        "instruments": [
            {
                "instrument": item.instrument,
                "decided": item.decided,
                "filled": item.filled,
                "fills": item.fills,
                "bought": plain(item.bought),
                "sold": plain(item.sold),
                **{side: plain(getattr(facts.accounts, side).get(item.instrument, ZERO)) for side in SIDES},
            }
            for item in facts.instruments
        ],
        "exposure": [
            {
                "strategy": item.strategy,
                "underlying": item.underlying,
                "band": {"lower": plain(item.lower), "upper": plain(item.upper), "unit": item.unit.value},
                "worst": plain(round(item.worst, 8)),
                "end": plain(round(item.end, 8)),
                "excursions": item.excursions,
            }
            for item in facts.exposures
        ],
        "ladders": None if facts.climbs is None else [climb.as_json(item) for item in facts.climbs],
        "latency_ms": msgspec.to_builtins(facts.latencies),
        "restarts": facts.restarts,
        "balanced": not imbalances(facts.accounts),
        "positions": {
            side: {name: plain(value) for name, value in getattr(facts.accounts, side).items()}
            for side in SIDES
        },
        "startup_s": facts.startup_s,
        "first_hedge_s": facts.first_hedge_s,
        "problems": problems(facts),
    }
