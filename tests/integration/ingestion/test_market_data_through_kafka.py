"""One worker process, as it is deployed: recordings and the ledger in, quotes and books out of real Kafka."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import asyncpg
from confluent_kafka import Consumer

from hedgerow.adapters.recorded_tape import RecordedTape
from hedgerow.domain.orders import Side
from hedgerow.ledger.books import CLIENT_BOOK, ClientFill, record_client_fill
from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import ClientBook, Quote
from hedgerow.schemas.topics import BOOKS, MARKET_ENRICHED
from hedgerow.streams import trace

RECORDINGS = Path(__file__).parents[3] / "recordings"
PATIENCE_S = 90.0
QUOTES = Decoder[Quote](Quote)
CLIENT_BOOKS = Decoder[ClientBook](ClientBook)


def test_quotes_are_the_recorded_touch_and_books_are_the_ledgers(
    kafka: str, ledger_dsn: str, tmp_path: Path
) -> None:
    start_ns = time.time_ns()
    quotes: list[tuple[Quote, dict[str, bytes]]] = []
    books: list[ClientBook] = []
    asyncio.run(book_fills(ledger_dsn, 2))
    with reading(kafka) as consumer, working(kafka, ledger_dsn, start_ns, tmp_path) as worker:
        deadline = time.monotonic() + PATIENCE_S
        while len(quotes) < 200 or len(books) < 3:
            assert time.monotonic() < deadline, f"only {len(quotes)} quotes and {len(books)} books came"
            assert worker.poll() is None, "the worker has ended"
            message = consumer.poll(1.0)
            if message is None or message.error() is not None:
                continue
            if message.topic() == BOOKS.name:
                book = CLIENT_BOOKS.decode(message.value())
                assert message.key() == book.name.encode() == b"clients"
                books.append(book)
            else:
                quotes.append((QUOTES.decode(message.value()), dict(message.headers())))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    check_books(books)
    for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
        check_quotes(symbol, start_ns, [pair for pair in quotes if pair[0].instrument == symbol])


def check_books(books: list[ClientBook]) -> None:
    """The ledger's book, repeated with a fresh time."""
    assert {(book.sequence, str(book.positions)) for book in books} == {
        (2, str({"BTC/USDT": Decimal("-0.50000")}))
    }
    times = [book.published_ns for book in books]
    assert times == sorted(set(times))


async def book_fills(ledger_dsn: str, number: int) -> None:
    connection = await asyncpg.connect(ledger_dsn)
    for index in range(number):
        fill = ClientFill(
            fill_id=f"fill-{index}",
            book=CLIENT_BOOK,
            instrument="BTC/USDT",
            side=Side.SELL,
            quantity=Decimal("0.25000"),
            price=Decimal(60_000),
            time_ns=time.time_ns(),
        )
        await record_client_fill(connection, fill, time.time_ns())
    await connection.close()


def check_quotes(symbol: str, start_ns: int, quotes: list[tuple[Quote, dict[str, bytes]]]) -> None:
    tape = RecordedTape.load(RECORDINGS, symbol)
    cursor = tape.cursor()
    assert len(quotes) > 20
    for quote, headers in quotes:
        assert trace.read_cause(headers) == f"quote:{symbol}:{quote.sequence}"
        assert list(trace.read_stages(headers)) == ["received", "enrichment"]
        cursor.seek(0, quote.sequence - start_ns)
        bids, asks = cursor.top(1)
        assert quote.valid, quote.reason
        assert [(quote.bid, quote.bid_size), (quote.ask, quote.ask_size)] == [bids[0], asks[0]]


@contextmanager
def reading(kafka: str) -> Iterator[Consumer]:
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": "reader-of-quotes", "auto.offset.reset": "latest"}
    )
    assigned: list[object] = []
    consumer.subscribe([MARKET_ENRICHED.name, BOOKS.name], on_assign=lambda _, parts: assigned.extend(parts))
    deadline = time.monotonic() + PATIENCE_S
    while not assigned:
        assert time.monotonic() < deadline, "the reader was given no partitions"
        consumer.poll(0.2)
    try:
        yield consumer
    finally:
        consumer.close()


@contextmanager
def working(kafka: str, ledger_dsn: str, start_ns: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "HEDGEROW_KAFKA": kafka,
        "HEDGEROW_LEDGER_DSN": ledger_dsn,
        "HEDGEROW_EXCHANGE_URL": "http://127.0.0.1:1",
        "HEDGEROW_KEYS_DIR": str(folder),
        "HEDGEROW_RECORDINGS": str(RECORDINGS),
        "HEDGEROW_DATA_DIR": str(folder),
        "HEDGEROW_SESSION_START_NS": str(start_ns),
    }
    roles = "ingestion,enrichment,books"
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "hedgerow.cli.worker", "--roles", roles],
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
