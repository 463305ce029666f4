"""`hedgerow explain`: read the facts, and show what follows from them."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from hedgerow.cli.exits import ExitCode, Refused
from hedgerow.cli.explanation import BandFact, Explanation, Facts, InputFact, LegFact, PastDecision, explain
from hedgerow.cli.loan_facts import LoanFact, loan_words
from hedgerow.cli.names import age, key_of
from hedgerow.cli.newest_states import newest_accounts, newest_risk_state
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.cli.tables import console, table
from hedgerow.cli.topics import read_acknowledgements
from hedgerow.domain.money import plain
from hedgerow.execution.intents import Intent
from hedgerow.ledger.books import read_books
from hedgerow.ledger.intents import recent_intents
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import find_strategy, hedged_instruments, read_strategies
from hedgerow.ledger.venues import read_venues
from hedgerow.schemas.risk_state import InputProblem

RECENT = 5
INPUT = ("Input", "Age", "Limit", "Usable", "Says")


async def explain_strategy(servers: Servers, name: str, namespace: str, as_json: bool) -> ExitCode:
    """Say what a strategy sees, what is open, and what it would send now or why not.

    Raises:
        Refused: there is no such strategy.
    """
    facts = await _read(servers, key_of(name, namespace))
    explanation = explain(facts)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(explanation)).decode())
    else:
        _show(explanation, facts.ledger.read_ns)
    return ExitCode.OK


async def _read(servers: Servers, key: str) -> Facts:
    async with open_ledger(servers) as connection:
        published = await find_strategy(connection, key)
        if published is None:
            there = ", ".join(item.config.key for item in await read_strategies(connection))
            raise Refused(f"there is no HedgeStrategy {key}; there are: {there or 'none'}")
        seen = await asyncio.to_thread(read_acknowledgements, servers.kafka)
        books = await read_books(connection, time.time_ns())
        venues = await read_venues(connection)
        recent = await recent_intents(connection, published.uid, RECENT)
        counted = {source.venue for source in published.config.accounts}
        hedges = await hedged_instruments(connection, counted)
        accounts = await asyncio.to_thread(newest_accounts, servers.kafka, counted)
        # Last, and the ledger right after it: the age of what was read must not count as the strategy's.
        risk = await asyncio.to_thread(newest_risk_state, servers.kafka, key)
        ledger = await read_snapshot(connection, published.uid, time.time_ns())
    if ledger is None:
        raise Refused(f"HedgeStrategy {key} was deleted just now")
    return Facts(
        published=published,
        ledger=ledger,
        risk=risk,
        books=books,
        accounts=accounts,
        hedges=hedges,
        venues=venues,
        recent=recent,
        acknowledged=sorted(seen.roles(key, ledger.strategy_uid, ledger.generation)),
    )


def _show(found: Explanation, now_ns: int) -> None:
    out = console()
    headers: tuple[str, ...]
    missing = ", ".join(found.waits_for)
    out.print(
        f"{found.strategy}  {found.mode}{', suspended' if found.suspend else ''}  generation {found.generation}  "
        f"revision {found.revision}  {f'not ready: waits for {missing}' if missing else 'ready'}",
        style="bold",
    )
    _show_what_it_sees(found, now_ns)
    open_ids = {item.id for item in found.open_intents}
    headers = ("Intent", "State", "Side", "Quantity", "Filled", "Decided", "Why")
    out.print(
        table(headers, (_intent_cells(item, item.id in open_ids, now_ns) for item in found.recent_intents))
    )
    _show_what_follows(found)


def show_outlook(found: Explanation, now_ns: int) -> None:
    """What a strategy would see and do, without what only a live one has."""
    _show_what_it_sees(found, now_ns)
    _show_what_follows(found)


def show_past(found: PastDecision, now_ns: int) -> None:
    """What a decision saw, and what it came to."""
    out = console()
    out.print(table(INPUT, map(_input_cells, found.inputs)))
    _show_bands(found.problems, found.bands, found.currency)
    _show_loan(found.loan, now_ns, found.currency)
    for text in found.halts:
        out.print(f"Halted: {text}")
    for text in found.outcome:
        out.print(text, style="bold")


def _show_what_it_sees(found: Explanation, now_ns: int) -> None:
    out = console()
    out.print(
        table(("Hedges with", "On", "Account", "Trading", "Holds (contracts)"), map(_leg_cells, found.legs))
    )
    out.print(table(INPUT, map(_input_cells, found.inputs)))
    _show_bands(found.problems, found.bands, found.currency)
    _show_loan(found.loan, now_ns, found.currency)


def _show_bands(problems: Sequence[InputProblem], bands: Sequence[BandFact], currency: str) -> None:
    out = console()
    for problem in problems:
        out.print(f"{problem.input}: {problem.code}: {problem.detail}")
    headers = ("Exposure", "Unhedged", "Hedge", "Net", "Lower", "Upper", f"Net in {currency}", "Is")
    out.print(table(headers, map(_band_cells, bands)))
    for band in bands:
        if band.rule:
            out.print(f"{band.underlying}: {band.rule}")


def _show_loan(loan: LoanFact | None, now_ns: int, currency: str) -> None:
    if loan is not None:
        for text in loan_words(loan, now_ns, currency):
            console().print(text)


def _show_what_follows(found: Explanation) -> None:
    out = console()
    for text in found.halts:
        out.print(f"Halted: {text}")
    for text in found.now:
        out.print(text, style="bold")


def _leg_cells(leg: LegFact) -> tuple[str, ...]:
    return leg.instrument, leg.venue, leg.account, leg.trading, plain(leg.held)


def _input_cells(item: InputFact) -> tuple[str, ...]:
    ages = ("-" if seconds is None else age(seconds) for seconds in (item.age_s, item.limit_s))
    return item.input, *ages, "yes" if item.usable else "no", item.detail


def _band_cells(band: BandFact) -> tuple[str, ...]:
    numbers = (f"{value:.8f}" for value in (band.unhedged, band.hedge, band.net, band.lower, band.upper))
    where = "inside" if band.excess == 0 else f"{abs(band.excess):.8f} outside"
    return band.underlying, *numbers, f"{band.net * band.mark:,.2f}", where


def _intent_cells(item: Intent, is_open: bool, now_ns: int) -> tuple[str, ...]:
    return (
        f"{item.id} (open)" if is_open else str(item.id),
        item.state.value,
        item.side.value,
        plain(item.quantity),
        plain(item.filled_quantity),
        f"{age((now_ns - item.decided_ns) / 1e9)} ago",
        item.reason or "-",
    )
