"""executor: plain asyncio, one task group per venue account whose keys are mounted here, or for one Venue alone."""

import asyncio
import time
import zlib
from functools import partial
from typing import Any

import asyncpg
import structlog

from hedgerow.adapters.ccxt_client import url_of
from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.adapters.mounted_keys import read_keys
from hedgerow.adapters.venue import VenueUnavailable, VenueUnfit
from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, connect, create_pool
from hedgerow.ledger.continuity import arrive, arrived_at, require_server
from hedgerow.ledger.decisions import INTENTS_CHANNEL
from hedgerow.ledger.halts import HALTS_CHANNEL
from hedgerow.ledger.migrate import require_current
from hedgerow.ledger.quarantine import quarantine_venues
from hedgerow.ledger.venues import read_venues
from hedgerow.strategy.compiled import CompiledVenue
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.waiting import end_all, stopped_within
from hedgerow_executor.account import Account
from hedgerow_executor.account_ledger import AccountLedger
from hedgerow_executor.claiming import claim_loop
from hedgerow_executor.following import resolve_loop
from hedgerow_executor.halting import cancel_without_ledger, halt_loop
from hedgerow_executor.hints import KafkaProbe
from hedgerow_executor.keys import key_loop
from hedgerow_executor.metrics import Metrics, build_metrics
from hedgerow_executor.reconciling import Reconciler
from hedgerow_executor.streaming import stream_loop
from hedgerow_executor.tending import (
    acknowledge_loop,
    clock_loop,
    funds_loop,
    mark_loop,
    mark_once,
    poll_funds,
    poll_tickers,
    ticker_loop,
)
from hedgerow_executor.tracing import open_traces

_log = structlog.get_logger()
POOL_SIZE = 8
RETRY_S = 1.0
# A ledger that does not answer for so long is away: claims are small, and an order waits behind each.
PATIENCE_S = 5.0
GRACE_S = 3.0
# First half of the advisory lock that makes a process an account's only executor.
EXECUTOR_LOCK = 0x6865_6467


async def run(context: Context) -> None:
    """Serve every venue account whose keys are mounted, each independently of the others."""
    metrics = build_metrics(context.metrics)
    context.readiness.set("ledger", False, "not connected yet", outage=True)
    context.readiness.set("venue", False, "not connected yet", outage=True)
    probe = KafkaProbe(context)
    probing = asyncio.create_task(probe.loop(), name="kafka")
    serving: dict[str, asyncio.Task[None]] = {}
    opened: dict[str, tuple[str, str]] = {}
    while not context.stopping.is_set():
        for venue in await _venues(context):
            place = (venue.prices, venue.account)
            if opened.get(venue.key, place) != place:
                _log.warning("the Venue is of another account now: it is opened anew", venue=venue.key)
                await end_all([serving[venue.key]])
            opened[venue.key] = place
            if venue.key not in serving or serving[venue.key].done():
                _raise_unexpected(serving.get(venue.key))
                serving[venue.key] = asyncio.create_task(
                    _serve(context, metrics, venue, probe), name=venue.key
                )
        await stopped_within(context.stopping, RETRY_S)
    await asyncio.gather(*serving.values())
    probing.cancel()
    await asyncio.gather(probing, return_exceptions=True)


def _raise_unexpected(task: asyncio.Task[None] | None) -> None:
    """A crash of one account's tasks ends the process, so that the supervisor starts it afresh."""
    if task is not None and not task.cancelled() and task.exception() is not None:
        raise RuntimeError(f"the executor of {task.get_name()} failed") from task.exception()


async def _venues(context: Context) -> list[CompiledVenue]:
    try:
        connection = await connect(context.settings.ledger_dsn, "hedgerow-executor")
    except LedgerUnreachable as error:
        context.readiness.set("ledger", False, str(error), outage=True)
        return []
    try:
        await require_current(connection)
        await arrive(connection, time.time_ns())
        await quarantine_venues(connection, time.time_ns())
        context.readiness.set("ledger", True)
        venues = [
            venue
            for venue in await read_venues(connection)
            if context.settings.executor_venue in (None, venue.key)
            and (context.settings.keys_dir / venue.account).is_dir()
        ]
    except LEDGER_LOST as error:
        context.readiness.set("ledger", False, str(error) or type(error).__name__, outage=True)
        return []
    finally:
        await connection.close()
    if not venues:
        wanted = context.settings.executor_venue or "any Venue"
        context.readiness.set(
            "venue",
            False,
            f"the ledger does not have {wanted} with keys in {context.settings.keys_dir}",
            outage=True,
        )
    return venues


async def _serve(context: Context, metrics: Metrics, venue: CompiledVenue, probe: KafkaProbe) -> None:
    """Hold the account's lock and run its loops; returns, to be tried again, when ledger or venue is lost."""
    api_key, secret = read_keys(context.settings.keys_dir / venue.account)
    try:
        url = url_of(venue, context.settings.exchange_url)
        client = CcxtVenue(venue.exchange, url, api_key, secret, venue.environment)
    except VenueUnfit as error:
        _refuse_venue(context, venue, error)
        return
    try:
        lock = await connect(context.settings.ledger_dsn, f"hedgerow-executor-{venue.key}")
    except LedgerUnreachable as error:
        context.readiness.set("ledger", False, str(error), outage=True)
        await client.close()
        return
    pool: asyncpg.Pool | None = None
    account: Account | None = None
    traces = open_traces()
    try:
        if not await _only_executor(context, venue, lock):
            return
        await client.start()
        pool = await create_pool(
            context.settings.ledger_dsn,
            f"hedgerow-executor-{venue.key}",
            POOL_SIZE,
            PATIENCE_S,
            partial(require_server, server=await arrived_at(lock)),
        )
        account = Account(
            context=context,
            venue_key=venue.key,
            name=venue.account,
            opened=venue.prices,
            venue=client,
            pool=pool,
            ledger=AccountLedger(pool, venue.key, venue.account),
            metrics=metrics,
            tickers={},
            traces=traces,
            reachable=lambda: probe.reachable,
        )
        metrics.ledger_up.labels(venue.account).set(1)
        await run_loops(account, lock, (api_key, secret))
    except VenueUnavailable as error:
        context.readiness.set("venue", False, str(error), outage=True)
        _log.warning("venue away", venue=venue.key, error=str(error))
    except VenueUnfit as error:
        _refuse_venue(context, venue, error)
    except LedgerUnreachable as error:
        context.readiness.set("ledger", False, str(error), outage=True)
        metrics.ledger_up.labels(venue.account).set(0)
        _log.error("ledger away: nothing is sent", venue=venue.key, error=str(error))
        if account is not None and await cancel_without_ledger(
            client, sorted(account.tickers), context.settings.ledger_dsn, context.stopping
        ):
            metrics.cancels.labels(venue.account).inc()
    finally:
        await client.close()
        if pool is not None:
            pool.terminate()
        lock.terminate()
        if traces is not None:
            await asyncio.to_thread(traces.close)


def _refuse_venue(context: Context, venue: CompiledVenue, error: VenueUnfit) -> None:
    context.readiness.set("venue", False, str(error), outage=True)
    _log.error("nothing is sent: the venue is not as it should be", venue=venue.key, error=str(error))


async def _only_executor(context: Context, venue: CompiledVenue, lock: asyncpg.Connection) -> bool:
    account = zlib.crc32(f"{venue.key}/{venue.account}".encode()) - (1 << 31)
    if await lock.fetchval("select pg_try_advisory_lock($1, $2)", EXECUTOR_LOCK, account):
        return True
    context.readiness.set(
        "venue", False, f"another executor holds {venue.key} account {venue.account}", outage=True
    )
    _log.warning("another executor holds the account", venue=venue.key, account=venue.account)
    return False


async def run_loops(account: Account, lock: Any, keys: tuple[str, str]) -> None:
    """Settle, then run the account's loops until one ends: told to stop, lost ledger or lock, a failed task."""
    woken, halted, lock_lost = asyncio.Event(), asyncio.Event(), asyncio.Event()
    lock.add_termination_listener(lambda _: lock_lost.set())
    await lock.add_listener(INTENTS_CHANNEL, lambda *_: woken.set())
    await lock.add_listener(HALTS_CHANNEL, lambda *_: halted.set())
    reconciler = Reconciler(account)
    await reconciler.settle()
    await poll_tickers(account)
    await poll_funds(account)
    await mark_once(account)
    loops = [
        asyncio.create_task(loop, name=name)
        for name, loop in (
            ("tickers", ticker_loop(account)),
            ("funds", funds_loop(account)),
            ("clock", clock_loop(account)),
            ("stream", stream_loop(account)),
            ("keys", key_loop(account, account.context.settings.keys_dir / account.name, keys)),
            ("marks", mark_loop(account)),
            ("halts", halt_loop(account, halted)),
            ("resolve", resolve_loop(account)),
            ("reconcile", reconciler.loop()),
            ("acknowledge", acknowledge_loop(account)),
            ("traces", _traces(account)),
            ("claim", claim_loop(account, woken)),
            ("lock", _until(lock_lost)),
            ("failure", _until_failed(account)),
            ("stopping", _until(account.context.stopping)),
        )
    ]
    try:
        done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        # In their order, not the set's: the same failures tell the same story.
        for task in loops:
            if task in done:
                _require_expected(task)
        if lock_lost.is_set():
            raise LedgerUnreachable("the connection that holds the account's lock was lost")
        if account.tasks:
            # Stopping: orders under way get their answer written down, if it comes soon.
            await asyncio.wait(account.tasks, timeout=GRACE_S)
        if account.traces is not None and account.context.stopping.is_set():
            await account.traces.tell_last(account.pool)
    finally:
        await end_all([*loops, *account.tasks])


async def _traces(account: Account) -> None:
    stopping = account.context.stopping
    await (_until(stopping) if account.traces is None else account.traces.loop(account.pool, stopping))


async def _until(event: asyncio.Event) -> None:
    await event.wait()


async def _until_failed(account: Account) -> None:
    await account.failed


def _require_expected(task: asyncio.Task[None]) -> None:
    error = task.exception()
    if isinstance(error, LEDGER_LOST):
        raise LedgerUnreachable(f"{task.get_name()}: {error or type(error).__name__}") from error
    if error is not None:
        raise error


role = ServiceRole(name="executor", run=run, needs_kafka=False)
