"""Accounts: the whole of each venue account whose read key is mounted here, into `accounts`, every five seconds.

Each poll is a state of its own and so the heartbeat. What cannot be read is not told: the last state stays and grows
old, and the strategies that count it say so.
"""

import asyncio
import time
from pathlib import Path

import asyncpg
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from hedgerow.adapters.ccxt_account import CcxtAccount
from hedgerow.adapters.ccxt_client import url_of
from hedgerow.adapters.mounted_keys import KeysMissing, read_keys
from hedgerow.adapters.venue import VenueUnavailable, VenueUnfit
from hedgerow.ledger.venues import read_venues
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import AccountState
from hedgerow.schemas.topics import ACCOUNTS
from hedgerow.strategy.compiled import CompiledVenue
from hedgerow.streams import trace
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.ledger_link import LedgerLink
from hedgerow.streams.waiting import stopped_within

POLL_S = 5.0
# A key's folder is named after the account and what it is for; the trade key's is the account's name alone.
READ_KEY = "@read"

_log = structlog.get_logger(__name__)


class _Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.polls = Counter(
            "hedgerow_account_polls",
            "Polls of venue accounts, by outcome: read, unavailable, unreadable, unfit",
            ("venue", "outcome"),
            registry=registry,
        )
        self.time = Gauge(
            "hedgerow_account_state_time_seconds",
            "When the poll began that the newest state of the account came from",
            ("venue",),
            registry=registry,
        )


class _Collector:
    """Polls one account until it is cancelled."""

    def __init__(self, context: Context, metrics: _Metrics, venue: CompiledVenue) -> None:
        self._context, self._metrics, self._venue = context, metrics, venue
        self._condition = f"account {venue.key}"
        # Above every sequence of a collector that polled this account before.
        self._sequence = time.time_ns()
        self._client: CcxtAccount | None = None
        self._keys: tuple[str, str] | None = None
        self._problem: str | None = None
        context.readiness.set(self._condition, False, "not polled yet", outage=True)

    async def run(self) -> None:
        try:
            while True:
                began = time.monotonic()
                await self._poll()
                await asyncio.sleep(max(0.0, POLL_S - (time.monotonic() - began)))
        finally:
            self._context.readiness.set(self._condition, True, "no longer collected here")
            await self._close()

    async def _poll(self) -> None:
        self._sequence += 1
        began_ns = time.time_ns()
        try:
            reading = await (await self._opened()).read()
            state = AccountState(
                venue=self._venue.key,
                account=self._venue.account,
                sequence=self._sequence,
                time_ns=began_ns,
                wallet=reading.wallet,
                collateral=reading.collateral,
                debts=reading.debts,
                positions=reading.positions,
            )
        except VenueUnavailable as error:
            self._note("unavailable", str(error))
        except (VenueUnfit, KeysMissing) as error:
            self._note("unfit", str(error))
        except ValueError as error:
            # `AccountUnreadable`, or what was read is no account that there can be.
            self._note("unreadable", str(error))
        else:
            headers = trace.start(f"account:{state.venue}:{state.sequence}", began_ns)
            self._context.producer.send(ACCOUNTS.name, state.venue, encode(state), headers)
            self._metrics.time.labels(state.venue).set(began_ns / 1e9)
            self._note("read", "")

    async def _opened(self) -> CcxtAccount:
        """The client with the keys as they are mounted now."""
        keys = read_keys(self._folder())
        if self._client is not None and keys == self._keys:
            return self._client
        await self._close()
        url = url_of(self._venue, self._context.settings.exchange_url)
        client = CcxtAccount(self._venue.exchange, url, *keys, self._venue.environment)
        try:
            await client.start()
        except BaseException:
            await client.close()
            raise
        self._client, self._keys = client, keys
        return client

    async def _close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _folder(self) -> Path:
        return read_key_folder(self._context, self._venue)

    def _note(self, outcome: str, problem: str) -> None:
        self._metrics.polls.labels(self._venue.key, outcome).inc()
        self._context.readiness.set(self._condition, not problem, problem, outage=True)
        if problem == self._problem:
            return
        self._problem = problem
        if problem:
            _log.error("account not read, its last state grows old", venue=self._venue.key, error=problem)
        else:
            _log.info("account read", venue=self._venue.key, account=self._venue.account)


def read_key_folder(context: Context, venue: CompiledVenue) -> Path:
    return context.settings.keys_dir / f"{venue.account}{READ_KEY}"


async def run(context: Context) -> None:
    """Collect every account of the ledger's Venues whose read key is here, until asked to stop. While the ledger is
    away, those that are known are polled on."""
    metrics = _Metrics(context.metrics)
    link = LedgerLink(context)
    known: dict[str, CompiledVenue] = {}
    polling: dict[str, asyncio.Task[None]] = {}
    try:
        while not context.stopping.is_set():
            found = await link.until_done(_read)
            if found is not None:
                wanted = {venue.key: venue for venue in found if _is_ours(context, venue)}
                for key in [key for key in polling if wanted.get(key) != known[key]]:
                    await _stop(polling.pop(key))
                for key in wanted.keys() - polling.keys():
                    collector = _Collector(context, metrics, wanted[key])
                    polling[key] = asyncio.create_task(collector.run(), name=key)
                known = wanted
            for task in polling.values():
                if task.done():
                    task.result()  # a crash ends the process, so that the supervisor starts it afresh
            await stopped_within(context.stopping, POLL_S)
    finally:
        for task in polling.values():
            await _stop(task)
        await link.close()


async def _read(connection: asyncpg.Connection) -> list[CompiledVenue]:
    return await read_venues(connection)


def _is_ours(context: Context, venue: CompiledVenue) -> bool:
    named = context.settings.executor_venue in (None, venue.key)
    return named and read_key_folder(context, venue).is_dir()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


role = ServiceRole(name="accounts", run=run)
