"""Ingestion on a venue's feed and the built-in exchange in one worker, as deployed: Paper fills at live prices."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from binance_server import BinanceServer, raw_market, recorded_market
from hedge_examples import intent

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.domain.orders import Side
from hedgerow.execution.order_life import IntentState
from hedgerow_local.ports import free_port

PATIENCE_S = 120.0
PERP = "BTC/USDT:USDT"
ACCOUNT = "hedge-01"


@pytest.mark.parametrize("feed", ["WebSocket", "Rest"])
async def test_an_order_fills_at_the_venues_price_and_not_at_all_once_the_venue_is_silent(
    kafka: str, tmp_path: Path, feed: str
) -> None:
    async with BinanceServer(recorded_market("spot"), raw_market()).running() as server:
        exchange = f"http://127.0.0.1:{free_port()}"
        with working(kafka, exchange, server.url, feed, tmp_path) as worker:
            venue = CcxtVenue("bybit", exchange, "key-one", "secret-one")
            try:
                await until("the exchange answers", worker, lambda: answers(venue))
                market = server.markets["linear"]
                for _ in range(3):
                    await server.advance("linear", 5)
                    await until("the venue's touch is quoted", worker, lambda: quotes(venue, server))
                    price, quantity = await bought(venue)
                    assert (float(price), quantity) == (market.touch().ask, Decimal("0.002"))
                # The venue goes silent: nothing is quoted any more, rather than the last price for ever.
                market.stalled = True
                server.failing = [(503, {})] * 100_000
                await until("the quotes are withdrawn", worker, lambda: quotes_nothing(venue))
                server.failing, market.stalled = [], False
                await server.advance("linear", 1)
                await until("the venue's touch is quoted again", worker, lambda: quotes(venue, server))
            finally:
                await venue.close()
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(worker.wait, 30) == 0


async def answers(venue: CcxtVenue) -> bool:
    try:
        await venue.start()
    except VenueUnavailable:
        return False
    return True


async def quotes(venue: CcxtVenue, server: BinanceServer) -> bool:
    try:
        ticker = await venue.ticker(PERP)
    except VenueUnavailable:
        return False
    touch = server.markets["linear"].touch()
    return (float(ticker.bid), float(ticker.ask)) == (touch.bid, touch.ask)


async def quotes_nothing(venue: CcxtVenue) -> bool:
    try:
        await venue.ticker(PERP)
    except VenueUnavailable as error:
        return "two-sided" in str(error)
    return False


async def bought(venue: CcxtVenue) -> tuple[Decimal, Decimal]:
    """Take 0.002 well into the asks; the price and the quantity that were filled."""
    order = intent(
        instrument=PERP,
        side=Side.BUY,
        quantity=Decimal("0.002"),
        limit_price=Decimal("63000.0"),
        claimed_ns=time.time_ns(),
        client_order_id=f"hr-{uuid.uuid4().hex[:8]}-1",
        state=IntentState.SENDING,
    )
    await venue.send(order)
    fills = await venue.fills(order)
    assert len({fill.price for fill in fills}) == 1
    return fills[0].price, sum((fill.quantity for fill in fills), Decimal(0))


async def until(what: str, worker: subprocess.Popen[bytes], holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await holds():
        assert worker.poll() is None, f"{what}: the worker has ended"
        assert time.monotonic() < deadline, f"{what}: did not happen"
        await asyncio.sleep(0.05)


@contextmanager
def working(
    kafka: str, exchange: str, venue: str, feed: str, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    keys = folder / "keys" / ACCOUNT
    keys.mkdir(parents=True)
    (keys / "apiKey").write_text("key-one\n")
    (keys / "secret").write_text("secret-one\n")
    environment = {
        **os.environ,
        "HEDGEROW_KAFKA": kafka,
        "HEDGEROW_LEDGER_DSN": "unused",
        "HEDGEROW_EXCHANGE_URL": exchange,
        "HEDGEROW_KEYS_DIR": str(folder / "keys"),
        "HEDGEROW_RECORDINGS": str(folder),
        "HEDGEROW_DATA_DIR": str(folder),
        "HEDGEROW_FEED": feed,
        "HEDGEROW_FEED_URL": venue,
        "HEDGEROW_FEED_SYMBOLS": "BTC/USDT,BTC/USDT:USDT",
        "HEDGEROW_FEED_POLL_MS": "300",
    }
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "hedgerow.cli.worker", "--roles", "ingestion,exchange"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield worker
        finally:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
            print((folder / "worker.log").read_text()[-4_000:])
