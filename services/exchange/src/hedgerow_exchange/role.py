"""The built-in exchange as a role of the worker: journal, books, liquidity and the HTTP door."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from hedgerow.adapters.tapes import load_tapes
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.settings import SettingsError
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.followed_liquidity import FollowedLiquidity, MarketFollower
from hedgerow_exchange.http import Door
from hedgerow_exchange.journal import Journal, corrupt
from hedgerow_exchange.keys import follow_keys, read_keys
from hedgerow_exchange.liquidity import Liquidity
from hedgerow_exchange.listings import Listing, paper_listings

SHUTDOWN_TIMEOUT_S = 2.0

_log = structlog.get_logger(__name__)


async def run(context: Context) -> None:
    """Serve until asked to stop.

    Raises:
        SettingsError: the exchange's address cannot be used.
        KeysError: there is no usable API key.
        JournalError: the journal is held by another process, is corrupt, or could not be written.
        FileNotFoundError, ValueError: a recording is missing or cannot be used.
        OSError: the address cannot be bound.
    """
    settings = context.settings
    host, port = address(settings.exchange_url)
    keys = read_keys(settings.keys_dir)
    listings = paper_listings()
    # All at once, so that no moment between two of them looks ready.
    context.readiness.set("journal", False, "reading")
    source = "market" if settings.feed.from_a_venue else "tape"
    context.readiness.set(source, False, "nothing to quote from yet")
    context.readiness.set("http", False, "not listening yet")
    journal = await asyncio.to_thread(Journal.open, settings.data_dir, time.time_ns())
    try:
        accounts = [key.account for key in keys.values()]
        engine = await asyncio.to_thread(restored_engine, journal, listings, accounts)
        journal.start()
        context.readiness.set("journal", True)
        liquidity: MarketFollower | Liquidity
        if settings.feed.from_a_venue:
            # It says itself when it follows the market.
            liquidity = MarketFollower(
                FollowedLiquidity(engine), settings.kafka, settings.partitions, context.readiness
            )
        else:
            liquidity = await asyncio.to_thread(_load_liquidity, context, engine)
            context.readiness.set(source, True)
        door = Door(engine, journal, keys, context.metrics, faults_allowed=settings.exchange_faults)
        if settings.exchange_faults:
            _log.warning("faults are allowed: POST /faults breaks this exchange on purpose")
        async with _served(door, host, port):
            context.readiness.set("http", True, f"{host}:{port}")
            _log.info("exchange open", host=host, port=port, accounts=sorted(engine.accounts))
            following = follow_keys(settings.keys_dir, keys, engine.open_account)
            await _until_stopped(context.stopping, liquidity, journal, following)
    finally:
        await asyncio.to_thread(journal.close)


def restored_engine(journal: Journal, listings: dict[str, Listing], accounts: list[str]) -> Engine:
    """The engine as the journal left it. Blocks while the journal is read.

    Raises:
        JournalError: the journal is corrupt.
    """
    engine = Engine(listings, accounts, journal.header.id)
    last = 1
    for line, outcome in journal.outcomes():
        try:
            engine.restore(outcome)
        except ValueError as error:
            raise corrupt(journal.path, line, str(error)) from error
        last = line
    try:
        engine.reopen()
    except ValueError as error:
        raise corrupt(journal.path, last, str(error)) from error
    return engine


def address(url: str) -> tuple[str, int]:
    """Host and port to listen on.

    Raises:
        SettingsError: the URL is not `http://host:port`.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "http" or not parts.hostname or port is None or parts.path not in ("", "/"):
        raise SettingsError(f"HEDGEROW_EXCHANGE_URL={url!r} should be http://host:port")
    return parts.hostname, port


def _load_liquidity(context: Context, engine: Engine) -> Liquidity:
    settings = context.settings
    tapes = load_tapes(settings.tapes, engine.listings)
    liquidity = Liquidity(engine, list(tapes.values()), settings.session_start_ns, settings.replay_speed)
    liquidity.mirror(time.time_ns())
    return liquidity


@asynccontextmanager
async def _served(door: Door, host: str, port: int) -> AsyncIterator[None]:
    runner = web.ServerRunner(web.Server(door.handle, access_log=None), shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


async def _until_stopped(
    stopping: asyncio.Event,
    liquidity: MarketFollower | Liquidity,
    journal: Journal,
    following: Coroutine[Any, Any, None],
) -> None:
    """Keep the quotes on the market until asked to stop; an error of theirs, of the journal's or of following the keys
    ends it."""
    assert journal.failed is not None  # started
    mirroring, keys = asyncio.create_task(liquidity.run(stopping)), asyncio.create_task(following)
    done, _ = await asyncio.wait({mirroring, keys, journal.failed}, return_when=asyncio.FIRST_COMPLETED)
    for task in (mirroring, keys):
        task.cancel()
    for finished in done:
        finished.result()


role = ServiceRole(name="exchange", run=run, needs_kafka=False)
