"""Ticks that cannot be, messages twice and out of order, and messages that nobody can read."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from faults.rig import Rig
from faults.scenario import scenario, size
from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import BookState, DeadLetter
from hedgerow.schemas.topics import BOOKS, DEAD_LETTERS, HEDGE_FILLS, MARKET_ENRICHED, MARKET_RAW
from hedgerow.streams.log_reader import LogReader

pytestmark = pytest.mark.timeout(7200)
PARTITIONER = "murmur2_random"
GOOD = BookState(
    instrument="BTC/USDT:USDT",
    underlying="BTC",
    sequence=1,
    time_ns=1,
    source_time_ns=1,
    bids=((60_000.0, 2.0),),
    asks=((60_000.1, 2.0),),
    depth_bps=20.0,
    bid_depth_usd=5e6,
    ask_depth_usd=5e6,
    reach_bps=25.0,
    valid=True,
)
# Each says that it is valid.
BAD_SIDES = (
    {"bids": ((60_010.0, 2.0),), "asks": ((60_000.0, 2.0),)},
    {"bids": ((60_000.0, 2.0),), "asks": ((60_000.0, 2.0),)},
    {"bids": ((0.0, 2.0),)},
    {"bids": ((-60_000.0, 2.0),)},
    {"asks": ((60_000.1, -2.0),)},
    {"asks": ((60_000.1, 0.0),)},
    {"bids": ()},
    {"asks": ()},
    {"bids": (), "asks": ()},
)
POISON = (
    b"",
    b"{",
    b"null",
    b"\xff\xfe\x00",
    b"[1, 2, 3]",
    b'{"instrument": 7}',
    b'{"kind": "BookState"}',
    b"[" * 3_000,
    encode(GOOD)[:-10],
    encode(GOOD).replace(b"60000.0", b'"much"'),
)
REPEATED = (MARKET_RAW.name, MARKET_ENRICHED.name, BOOKS.name, HEDGE_FILLS.name)
MARK = "rig-repeated"
PARTITIONS = 4
# Between two bad ticks: a flood that the real ones still come through.
PAUSE_S = 0.001


async def test_bad_ticks(rig: Rig) -> None:
    """I1 to I8 while most ticks of the hedge's own instrument are crossed, zero, negative, empty or absurd."""
    ticks = size(full=100_000, short=2_000)
    async with scenario(rig, "bad ticks", "100,000 ticks", f"{ticks:,} ticks") as run:
        dead = await _dead_letters(rig)
        await asyncio.to_thread(_send, rig.kafka, _bad_ticks(rig.kafka, run.random, ticks))
        await run.recovered("the bad ticks")
        buried = await _dead_letters(rig) - dead
        run.noted.append(f"{buried:,} dead letters")


async def test_poison(rig: Rig) -> None:
    """Exactly the messages that nobody can read become dead letters, each with its cause; hedges go on."""
    messages = size(full=100_000, short=5_000)
    poison = messages // 100
    name = "poison messages"
    async with scenario(
        rig, name, "1,000 in 100,000 messages", f"{poison:,} in {messages:,} messages"
    ) as run:
        dead = await _dead_letters(rig)
        await asyncio.to_thread(_send, rig.kafka, _poisoned(run.random, messages, poison))

        async def all_read() -> bool:
            return await _dead_letters(rig) - dead >= poison

        await rig.until(all_read, "every poison message is a dead letter", 60 + messages / 500)
        await run.recovered("the poison")
        letters = await _read_dead_letters(rig, dead)
        assert len(letters) == poison
        assert all(letter.cause for letter in letters)
        run.noted.append(f"exactly {len(letters):,} dead letters, each with its cause")


async def test_duplicates_and_reorders(rig: Rig) -> None:
    """I1 to I8 while 30 % of what the workers tell each other comes again, up to two seconds later."""
    seconds = size(full=300, short=6)
    async with scenario(rig, "30 % duplicates and reorders", "300 s", f"{seconds} s") as run:
        with _repeating(rig.kafka, run.random) as repeated:
            await asyncio.sleep(seconds)
        run.noted.append(f"{repeated[0]:,} messages came again")
        await run.recovered("duplicates and reorders")


def _bad_ticks(kafka: str, random: Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Each is newer than the newest real state, by its time alone: the next real one replaces it."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "bad-ticks", "enable.auto.commit": False})
    consumer.assign([TopicPartition(MARKET_RAW.name, number, -1) for number in range(PARTITIONS)])
    newest = 0
    while count:
        message = consumer.poll(0 if newest else 1)
        if message is not None and message.error() is None and b'"BookState"' in message.value():
            state = msgspec.json.decode(message.value())
            if state["instrument"] == GOOD.instrument:
                newest = max(newest, state["sequence"])
        if newest:
            now_ns = time.time_ns()
            changes = {
                **random.choice(BAD_SIDES),
                "sequence": newest,
                "time_ns": now_ns,
                "source_time_ns": now_ns,
            }
            yield "BTC", encode(msgspec.structs.replace(GOOD, **changes))
            count -= 1
            time.sleep(PAUSE_S)
    consumer.close()


def _poisoned(random: Random, count: int, poison: int) -> Iterator[tuple[str, bytes]]:
    """Good states are of an instrument that nobody hedges with."""
    bad = set(random.sample(range(count), poison))
    for number in range(count):
        now_ns = time.time_ns()
        good = msgspec.structs.replace(
            GOOD,
            instrument="ETH/USDT:USDT",
            underlying="ETH",
            sequence=now_ns,
            time_ns=now_ns,
            source_time_ns=now_ns,
        )
        yield "ETH", random.choice(POISON) if number in bad else encode(good)


def _send(kafka: str, messages: Iterator[tuple[str, bytes]]) -> None:
    producer = Producer({"bootstrap.servers": kafka, "partitioner": PARTITIONER})
    for key, value in messages:
        while True:
            try:
                producer.produce(MARKET_RAW.name, value, key)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0


async def _dead_letters(rig: Rig) -> int:
    async with LogReader(rig.kafka, (DEAD_LETTERS.name, 0)) as reader:
        return await reader.end()


async def _read_dead_letters(rig: Rig, first: int) -> list[DeadLetter]:
    decoder: Decoder[DeadLetter] = Decoder(DeadLetter)
    async with LogReader(rig.kafka, (DEAD_LETTERS.name, 0)) as reader:
        return [decoder.decode(message.value) async for message in reader.read(first, await reader.end())]


@contextmanager
def _repeating(kafka: str, random: Random) -> Iterator[list[int]]:
    """Sends 30 % of what is new in the topics again, some of it late; the list's one number counts."""
    repeated, stopping = [0], threading.Event()

    def repeat() -> None:
        consumer = Consumer({"bootstrap.servers": kafka, "group.id": "repeater", "enable.auto.commit": False})
        producer = Producer({"bootstrap.servers": kafka, "partitioner": PARTITIONER})
        consumer.assign(
            [TopicPartition(topic, number, -1) for topic in REPEATED for number in range(PARTITIONS)]
        )
        waiting: list[tuple[float, str, bytes, bytes, list[tuple[str, bytes]]]] = []
        while not stopping.is_set() or waiting:
            message = consumer.poll(0.02)
            if message is not None and message.error() is None and not stopping.is_set():
                headers = message.headers() or []
                if random.random() < 0.3 and MARK not in dict(headers):
                    due = time.monotonic() + random.uniform(0, 2)
                    marked = [*headers, (MARK, b"1")]
                    waiting.append((due, message.topic(), message.key(), message.value(), marked))
            for item in [item for item in waiting if item[0] <= time.monotonic()]:
                waiting.remove(item)
                producer.produce(item[1], item[3], item[2], headers=item[4])
                repeated[0] += 1
        consumer.close()
        assert producer.flush(30) == 0

    thread = threading.Thread(target=repeat, name="repeater")
    thread.start()
    try:
        yield repeated
    finally:
        stopping.set()
        thread.join(60)
