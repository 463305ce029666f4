"""Client flow: books seeded client fills in the ledger and publishes the book they move."""

import asyncio
import time
from functools import partial

import asyncpg
import prometheus_client

from hedgerow.adapters.recorded_tape import RecordedTape
from hedgerow.adapters.tape import Tape, TapeCursor
from hedgerow.ledger.books import ClientFill, record_client_fill
from hedgerow.schemas.records import ClientBook
from hedgerow.streams import trace
from hedgerow.streams.books import publish_book
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.ledger_link import LedgerLink
from hedgerow.streams.settings import Settings
from hedgerow.streams.waiting import stopped_within
from hedgerow_clientflow.flow import INSTRUMENT, PlannedFill, planned_fills, price_fill


async def run(context: Context) -> None:
    """Book every fill of the session when it is due, the overdue ones at once, until asked to stop.

    A restart begins with the first fill again: what is booked already stays as it is.

    Raises:
        FileNotFoundError: the recordings folder lacks the instrument.
        ValueError: a setting is no positive number, or the ledger refuses a fill.
    """
    settings = context.settings
    fills = planned_fills(
        settings.client_flow_seed,
        settings.session_start_ns,
        settings.client_flow_per_second,
        settings.client_flow_notional,
    )
    tape = await asyncio.to_thread(RecordedTape.load, settings.recordings, INSTRUMENT)
    booked = prometheus_client.Counter(
        "hedgerow_client_fills", "Client fills booked in the ledger", ["side"], registry=context.metrics
    )
    cursor, link, newest_sequence = tape.cursor(), LedgerLink(context), 0
    try:
        for planned in fills:
            if await stopped_within(context.stopping, (planned.due_ns - time.time_ns()) / 1e9):
                return
            fill = _priced(planned, tape, cursor, settings)
            book = await link.until_done(partial(_record, fill))
            if book is None:
                return
            if book.sequence > newest_sequence:
                newest_sequence = book.sequence
                booked.labels(fill.side.value).inc()
                publish_book(context.producer, book, trace.start(f"fill:{fill.fill_id}", book.published_ns))
    finally:
        await link.close()


def _priced(planned: PlannedFill, tape: Tape, cursor: TapeCursor, settings: Settings) -> ClientFill:
    """At the touch of the moment when it was due, so that a repeated fill is the same fill."""
    position = tape.position(settings.session_start_ns, planned.due_ns, settings.replay_speed)
    cursor.seek(position.lap, position.index)
    bids, asks = cursor.top(1)
    return price_fill(planned, bids[0][0], asks[0][0])


async def _record(fill: ClientFill, connection: asyncpg.Connection) -> ClientBook:
    return await record_client_fill(connection, fill, time.time_ns())


role = ServiceRole(name="client-flow", run=run)
