"""The spine's invariants, checked after a run from the sources themselves: journal, venue, ledger, Kafka.

I1 balanced: venue position = ledger position = recount of the journal, and every journal order is one intent
I2 the journal holds at most one order per intent, and no leg ever had two open intents
I4 every intent is terminal, and every execution of the journal is in the ledger once
I5 inside the band once flow stops, and I8 within one lot of it (the rig's own band is nothing wide: flat)
I6 replaying `risk.inputs` gives byte-equal `risk.state`; each stored decision replays to byte-equal intents
I7 the hash chain verifies
"""

import asyncio
import json
import time
from decimal import Decimal
from pathlib import Path

import msgspec

from faults.ledger_view import LedgerView
from faults.rig import STRATEGY, Rig
from faults.servers import PARTITIONS
from hedgerow.domain.money import ZERO
from hedgerow.execution.order_life import OPEN
from hedgerow.hedging.exposure import net_exposure
from hedgerow.ledger.audit import replay_decisions
from hedgerow.ledger.chain import ChainEntry, verify_chain
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import RISK_STATE
from hedgerow.streams.log_reader import LogReader
from hedgerow_local.balance import Accounts, imbalances
from hedgerow_local.journal import recount

SETTLE_DEADLINE_S = 60.0
# Among so many of a partition's last risk states, each strategy has one: all beat at the same pace.
RECENT = 100
LOT = STRATEGY.hedge_with[0].instrument.delta(STRATEGY.hedge_with[0].instrument.lot_size)
OPEN_INTENTS = (
    "select id from intents where state in ('Decided', 'Sending', 'Accepted', 'PartiallyFilled', 'Unknown')"
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the check saw. Empty lists are what is wanted."""

    intents: int
    journal_orders: int
    journal_executions: int
    risk_states: int
    decisions: int
    doubled: int
    lost: int
    unbalanced: list[str]
    two_open: list[str]
    not_terminal: list[int]
    outside_band: list[str]
    risk_differs: list[str]
    decision_differs: list[int]
    chain_breaks: list[str]

    def violations(self) -> list[str]:
        """Every broken invariant in words."""
        named = {
            "I1 unbalanced": self.unbalanced,
            "I2 two open on a leg": self.two_open,
            "I4 not terminal": self.not_terminal,
            "I5, I8 not flat within one lot": self.outside_band,
            "I6 risk state differs from its replay": self.risk_differs,
            "I6 decision differs from its replay": self.decision_differs,
            "I7 chain broken": self.chain_breaks,
        }
        counted = {"I2 orders doubled": self.doubled, "I4 executions lost": self.lost}
        return [f"{name}: {items[:5]}" for name, items in named.items() if items] + [
            f"{name}: {count}" for name, count in counted.items() if count
        ]


def journal_orders(journal: Path, offset: int = 0) -> list[str]:
    """The client order id of every order in the journal, in the order of their first line; `offset` skips bytes."""
    orders: dict[str, str] = {}
    for line in _entries(journal, offset):
        for order in line["orders"]:
            orders.setdefault(order["orderId"], order["orderLinkId"])
    return list(orders.values())


def order_times_ns(journal: Path, offset: int, account: str | None = None) -> dict[str, int]:
    """When the venue got each order, by client order id, of one account or of all, behind `offset` bytes."""
    times: dict[str, int] = {}
    for line in _entries(journal, offset):
        for order in line["orders"]:
            if account in (None, order["account"]):
                times.setdefault(order["orderLinkId"], int(order["createdNs"]))
    return times


def journal_executions(journal: Path) -> list[str]:
    """The id of every execution in the journal."""
    return [execution["execId"] for line in _entries(journal) for execution in line["executions"]]


def _entries(journal: Path, offset: int = 0) -> list[dict[str, list[dict[str, str]]]]:
    with journal.open() as file:
        file.seek(offset)
        text = file.read()
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [json.loads(line) for line in (lines if offset else lines[1:])]


async def settle(rig: Rig, ledger: LedgerView, deadline_s: float = SETTLE_DEADLINE_S) -> float:
    """Hold the clients and wait until the book is inside its band with nothing open; seconds it took."""
    rig.workers["order-generator"].pause()

    async def settled() -> bool:
        if await ledger.fetch(OPEN_INTENTS):
            return False
        return not await outside_band(rig, ledger)

    return await rig.until(settled, "the book is inside its band with nothing open", deadline_s)


async def check(rig: Rig, ledger: LedgerView) -> Found:
    """Look at everything, once flow has stopped and all is settled."""
    orders = journal_orders(rig.journal)
    executions = journal_executions(rig.journal)
    in_ledger = [row["execution_id"] for row in await ledger.fetch("select execution_id from fills")]
    replays = rig.risk_replays
    risk_differs = [
        item for found in await asyncio.gather(*(one.news() for one in replays)) for item in found
    ]
    connection = await ledger.connection()
    decisions = await replay_decisions(connection, None)
    return Found(
        intents=await ledger.fetchval("select count(*) from intents"),
        journal_orders=len(orders),
        journal_executions=len(executions),
        risk_states=sum(one.states for one in replays),
        decisions=decisions.decisions,
        doubled=len(orders) - len(set(orders)),
        lost=len(set(executions) ^ set(in_ledger)),
        unbalanced=await _imbalances(rig, ledger),
        two_open=await _two_open_on_a_leg(ledger),
        not_terminal=[row["id"] for row in await ledger.fetch(OPEN_INTENTS)],
        outside_band=await outside_band(rig, ledger),
        risk_differs=risk_differs,
        decision_differs=[difference.decision for difference in decisions.differences],
        chain_breaks=(await verify_chain(connection, None)).breaks,
    )


async def positions_differ(rig: Rig, ledger: LedgerView) -> list[str]:
    """I1 without its orders: what venue, ledger and journal do not hold alike."""
    found = []
    for venue in rig.venues:
        accounts = msgspec.structs.replace(await _accounts(rig, ledger, venue.account), journal_orders=())
        found += [f"{venue.account}: {item}" for item in imbalances(accounts)]
    return found


async def _imbalances(rig: Rig, ledger: LedgerView) -> list[str]:
    found = []
    for venue in rig.venues:
        found += [
            f"{venue.account}: {item}" for item in imbalances(await _accounts(rig, ledger, venue.account))
        ]
    return found


async def _accounts(rig: Rig, ledger: LedgerView, account: str) -> Accounts:
    counted = recount(rig.journal, account)
    positions = await ledger.fetch(
        "select instrument, sum(quantity) as quantity from positions where account = $1 group by instrument",
        account,
    )
    names = await ledger.fetch("select client_order_id, intent from orders where account = $1", account)
    return Accounts(
        venue=await _venue_positions(rig, account),
        ledger={row["instrument"]: row["quantity"] for row in positions},
        journal=counted.positions,
        journal_orders=counted.orders,
        intents={row["client_order_id"]: row["intent"] for row in names},
    )


async def _venue_positions(rig: Rig, account: str) -> dict[str, Decimal]:
    venue = await rig.venue_client(account)
    symbols = [leg.instrument.symbol for leg in STRATEGY.hedge_with]
    return {held.instrument: held.quantity for held in await venue.positions(symbols)}


async def unknown_seconds(ledger: LedgerView, after: int) -> list[float]:
    """From its claim to its end, of every later intent whose order was unknown for a while."""
    rows = await ledger.fetch(
        "select (i.concluded_ns - o.claimed_ns) / 1e9 as seconds from intents i join orders o on o.intent = i.id "
        "where i.id > $1 and i.concluded_ns is not null and i.id in (select (convert_from(payload, 'UTF8')::jsonb "
        "->> 'intent')::bigint from chain where convert_from(payload, 'UTF8')::jsonb ->> 'state' = 'Unknown')",
        after,
    )
    return [float(row["seconds"]) for row in rows]


async def _two_open_on_a_leg(ledger: LedgerView) -> list[str]:
    """Pairs of intents that were open on one leg at one time, by the order of the hash chain."""
    legs = {
        row["id"]: (str(row["strategy_uid"]), row["leg"])
        for row in await ledger.fetch("select id, strategy_uid, leg from intents")
    }
    open_on: dict[tuple[str, int], int] = {}
    pairs = []
    for row in await ledger.fetch("select payload from chain order by strategy_uid, position"):
        entry = msgspec.json.decode(row["payload"], type=ChainEntry)
        leg = legs[entry.intent]
        if entry.state in OPEN:
            other = open_on.setdefault(leg, entry.intent)
            if other != entry.intent:
                pairs.append(f"intents {other} and {entry.intent} were open on leg {leg}")
        elif open_on.get(leg) == entry.intent:
            del open_on[leg]
    return pairs


async def outside_band(rig: Rig, ledger: LedgerView) -> list[str]:
    """How far the newest risk states and the ledger's hedges together are outside the bands; empty when inside.

    The client books come from the ledger: a risk state that does not know the last fill yet says nothing.
    """
    booked = await ledger.fetchval("select coalesce(sum(quantity), 0) from book_positions")
    newest = await _newest_risk(rig)
    found = []
    for strategy in rig.strategies:
        uid = await ledger.fetchval("select uid from strategies where key = $1", strategy.key)
        snapshot = await read_snapshot(await ledger.connection(), str(uid), time.time_ns())
        risk = newest.get(strategy.key)
        if snapshot is None or risk is None or not risk.ready:
            found.append(f"{strategy.key}: there is no risk state to rely on")
        elif sum((item.delta for item in risk.exposures), ZERO) != booked:
            found.append(f"{strategy.key}: risk does not know the newest book yet")
        else:
            exposures = [net_exposure(band, risk, snapshot) for band in snapshot.config.bands]
            found += [
                f"{strategy.key}: {item.net} {item.underlying} is {item.excess} outside [{item.lower}, {item.upper}]"
                for item in exposures
                if abs(item.excess) >= LOT
            ]
    return found


async def risk_states(rig: Rig) -> int:
    """How many were ever said."""

    async def said(partition: int) -> int:
        async with LogReader(rig.kafka, (RISK_STATE.name, partition)) as reader:
            return await reader.end()

    return sum(await asyncio.gather(*map(said, range(PARTITIONS))))


async def _newest_risk(rig: Rig) -> dict[str, RiskState]:
    decoder: Decoder[RiskState] = Decoder(RiskState)

    async def newest(partition: int) -> dict[str, RiskState]:
        async with LogReader(rig.kafka, (RISK_STATE.name, partition)) as reader:
            end = await reader.end()
            start = max(end - RECENT, await reader.first())
            states = [decoder.decode(message.value) async for message in reader.read(start, end)]
        return {state.strategy: state for state in states}

    found = await asyncio.gather(*map(newest, range(PARTITIONS)))
    return {strategy: state for states in found for strategy, state in states.items()}
