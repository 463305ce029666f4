"""What the tables of a promoted ledger go through: a copy without the newest rows, its arrival, and the executions of
the lost rows taken in. As `ledger/continuity.py` and `ledger/adoptions.py` do it; the differential test holds the
second to it."""

import copy
from uuid import uuid5

import msgspec

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import plain
from hedgerow.domain.positions import Position, apply_fill
from hedgerow.execution.intents import VenueExecution
from hedgerow.ledger import chain
from hedgerow.ledger.adoptions import Adopted, lost_reason
from hedgerow.ledger.continuity import SOURCE
from hedgerow.ledger.halts import HaltTarget
from hedgerow_simulator.tables import Adoption, Tables


def copied(tables: Tables) -> Tables:
    """As they are now, for a replica."""
    twin = copy.copy(tables)
    for name, value in vars(tables).items():
        if isinstance(value, dict | list):
            setattr(twin, name, value.copy())
    twin.chain = {uid: list(entries) for uid, entries in tables.chain.items()}
    return twin


def arrive(tables: Tables, server: int, now_ns: int) -> bool:
    """On another server than the last known: a new name for its orders, every venue halted, and the book's sequence
    beyond any that was published.

    Returns:
        Whether it was promoted.
    """
    before, tables.server = tables.server, server
    if before in (None, server):
        return False
    tables.former_ids += (tables.ledger_id,)
    # A name that nobody had, and in each run the same.
    tables.ledger_id = uuid5(tables.ledger_id, str(server))
    tables.book_sequence = max(tables.book_sequence + 1, now_ns)
    for venue in sorted(tables.venues):
        tables.place_halt(HaltTarget(kind="Venue", name=venue), SOURCE, f"promoted from {before} to {server}")
    return True


def adopt_execution(
    tables: Tables, venue: str, account: str, instrument: str, execution: VenueExecution, now_ns: int
) -> Adopted | None:
    """Take in an execution of an order that this ledger placed and lost; None when it knows it, or nobody owns it."""
    fill = execution.fill
    owner = next(
        (
            row.published
            for row in tables.strategies.values()
            for leg in row.published.config.hedge_with
            if (leg.venue, leg.account, leg.instrument.symbol) == (venue, account, instrument)
        ),
        None,
    )
    known = (
        execution.client_order_id in tables.orders
        or (venue, account, fill.execution_id) in tables.fills
        or any(item.execution_id == fill.execution_id for item in tables.adoptions.values())
    )
    if owner is None or known:
        return None
    number, mode = len(tables.adoptions) + 1, owner.config.mode
    terms = chain.AdoptionTerms(
        number=number,
        mode=mode.value,
        venue=venue,
        account=account,
        instrument=instrument,
        side=execution.side.value,
        price=plain(fill.price),
        fee=plain(fill.fee),
        execution_id=fill.execution_id,
    )
    entry = chain.entry_of_adoption(terms, fill.quantity, lost_reason(execution), now_ns)
    adoption = Adoption(
        number=number,
        execution_id=fill.execution_id,
        side=execution.side,
        quantity=fill.quantity,
        entry=entry,
    )
    key = (owner.uid, mode, venue, account, instrument)
    before = tables.positions.get(key, Position())
    size = find_instrument(instrument).contract_size
    after = apply_fill(before, execution.side, fill.quantity, fill.price, fill.fee, size)
    tables.positions[key] = after
    tables.adoptions[number] = adoption
    tables.changes.append(adoption)
    tables.append(owner.uid, entry)
    row = tables.strategies[owner.uid]
    tables.strategies[owner.uid] = msgspec.structs.replace(row, version=row.version + 1)
    return Adopted(
        number=number,
        strategy=owner.config.key,
        side=execution.side,
        quantity=fill.quantity,
        position=after.quantity,
    )
