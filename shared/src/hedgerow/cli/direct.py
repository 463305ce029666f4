"""`hedgerow halt --direct`: orders are cancelled at the venue by its trade key, whatever the ledger does."""

import asyncio
import os
import time
from pathlib import Path

from hedgerow.adapters.ccxt_client import url_of
from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.adapters.venue import VenueUnavailable, VenueUnfit
from hedgerow.cli.declared import compile_declared
from hedgerow.cli.exits import ExitCode, Refused, UsageError, complain
from hedgerow.cli.halts import SOURCE, require_reason
from hedgerow.cli.resource_files import read_resources
from hedgerow.cli.servers import STACK_FILE, key_values, read_servers
from hedgerow.domain.instruments import LISTINGS
from hedgerow.ledger.connection import LEDGER_LOST, connect
from hedgerow.ledger.halts import HaltTarget, place_halt
from hedgerow.strategy.compiled import CompiledVenue
from hedgerow.strategy.venue import Venue

KEYS = "HEDGEROW_KEYS_DIR"
EXCHANGE = "HEDGEROW_EXCHANGE_URL"
LOCAL_KEYS = Path(".run/keys")
RETRY_S = 0.1


async def halt_directly(target: HaltTarget, reason: str, file: Path | None, keys: Path | None) -> ExitCode:
    """Cancel everything that is open on the target's accounts, and write the halt as soon as the ledger takes it.

    What the executor may still send while it reaches a ledger that this command does not, is not stopped before the
    halt is written.

    Raises:
        Refused: the files declare no such Venue, or its keys are not there.
        UsageError: the target is a strategy, or a Venue's file is not named.
    """
    require_reason(reason)
    if target.kind == "Strategy":
        raise UsageError(
            "--direct cancels by account: name --venue NAME or --all; only the ledger knows whose an order is"
        )
    if file is None:
        raise UsageError("--direct needs --file FILE|DIR: the Venues as they were declared")
    accounts = [(venue, _keys_of(venue, keys)) for venue in _venues(target, file)]
    written = asyncio.create_task(_write(target, reason.strip()))
    results = await asyncio.gather(*(_cancel(venue, *key) for venue, key in accounts))
    if not written.done():
        complain("the ledger does not take the halt yet; trying until it does (Ctrl-C gives up)")
    print(f"halted (halt {await written}); nothing is sent until `hedgerow release` of the same target")
    return ExitCode.OK if all(results) else ExitCode.UNREACHABLE


def _venues(target: HaltTarget, file: Path) -> list[CompiledVenue]:
    try:
        read = read_resources(file)
    except FileNotFoundError as error:
        raise Refused(f"nothing was cancelled: {error}") from None
    compiled = compile_declared((item for item in read.declared if isinstance(item.resource, Venue)), {}, [])
    for problem in [*read.all_problems, *compiled.problems]:
        complain(problem)
    venues = compiled.declared_venues
    wanted = [venue for venue in venues if target.kind == "All" or venue.key == target.name]
    if not wanted:
        there = ", ".join(venue.key for venue in venues) or "none"
        raise Refused(f"nothing was cancelled: {file} declares no such Venue; it declares: {there}")
    return wanted


def _keys_of(venue: CompiledVenue, folder: Path | None) -> tuple[str, str]:
    home = (folder or Path(os.environ.get(KEYS) or LOCAL_KEYS)) / venue.account
    try:
        return (home / "apiKey").read_text().strip(), (home / "secret").read_text().strip()
    except OSError as error:
        raise Refused(
            f"nothing was cancelled: the trade key of {venue.key} is not in {home} ({error.strerror}); name its "
            f"folder's parent with --keys or {KEYS}"
        ) from error


async def _cancel(venue: CompiledVenue, api_key: str, secret: str) -> bool:
    url = url_of(venue, _exchange_url() if venue.is_builtin else "")
    client = CcxtVenue(venue.exchange, url, api_key, secret, venue.environment)
    try:
        try:
            await client.start()
        except VenueUnfit as error:  # unfit to trade on; what is open there is taken back all the same
            complain(f"Venue {venue.key}: {error}; cancelling all the same")
        cancelled = await client.cancel_all([item.symbol for item in LISTINGS.values() if item.is_tradable])
    except VenueUnavailable as error:
        complain(f"Venue {venue.key}: NOT cancelled: {error}")
        return False
    finally:
        await client.close()
    print(f"Venue {venue.key} account {venue.account}: {cancelled} orders cancelled", flush=True)
    return True


def _exchange_url() -> str:
    """Where the built-in exchange is: without it ccxt would ask a real one.

    Raises:
        Refused: nothing says where.
    """
    url = os.environ.get(EXCHANGE)
    if not url and STACK_FILE.is_file():
        url = key_values(STACK_FILE.read_text()).get(EXCHANGE)
    if not url:
        raise Refused(f"nothing was cancelled: {EXCHANGE} does not say where the built-in exchange is")
    return url


async def _write(target: HaltTarget, reason: str) -> int:
    dsn = read_servers().ledger_dsn
    while True:
        try:
            connection = await connect(dsn, "hedgerow-cli")
            try:
                return await place_halt(connection, target, SOURCE, reason, time.time_ns())
            finally:
                connection.terminate()
        except LEDGER_LOST:  # `LedgerUnreachable` too
            await asyncio.sleep(RETRY_S)
