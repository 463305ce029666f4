"""One hop, quote in and changed quote out, in the ways that it can be written. Each is a process of its own:

    python hop_programs.py <way> <servers> <topic in> <topic out> <group> <folder>

All decode, change, encode, keep the key, hand the headers on, and commit at least once: offsets after what they caused.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import Quote
from hedgerow.streams.context import Context, Incoming, Outgoing, StreamRole, Subscription
from hedgerow.streams.lifeline import Lifeline
from hedgerow.streams.logs import set_up_logs
from hedgerow.streams.settings import Settings
from hedgerow.streams.worker import Worker

_COMMIT_EVERY_S = 0.5
_decoder = Decoder[Quote](Quote)


def changed(quote: Quote) -> Quote:
    return msgspec.structs.replace(quote, mid=(quote.bid + quote.ask) / 2, spread_bps=quote.ask - quote.bid)


def relay(value: bytes | None) -> bytes:
    return encode(changed(_decoder.decode(value)))


class Relay:
    """The trivial stepper."""

    def __init__(self, out: str) -> None:
        self._out = out

    def step(self, incoming: Incoming) -> Sequence[Outgoing]:
        assert incoming.key is not None
        return [Outgoing(topic=self._out, key=incoming.key, record=changed(incoming.record), cause=incoming)]

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        return ()

    def revoke(self, topic: str, partition: int) -> None:
        """Nothing is kept."""

    def strategy_changed(self, strategy: str, published: object) -> Sequence[Outgoing]:
        return ()


def shell(servers: str, source: str, out: str, group: str, folder: Path) -> None:
    """Hedgerow's worker."""

    def make_stepper(_: Context) -> Relay:
        return Relay(out)

    role = StreamRole(
        name=group,
        subscriptions=(Subscription(topic=source, record_type=Quote),),
        make_stepper=make_stepper,
    )
    settings = Settings(
        kafka=servers,
        ledger_dsn="",
        partitions=4,
        exchange_url="",
        keys_dir=folder,
        recordings=folder,
        session_start_ns=0,
        replay_speed=1.0,
        data_dir=folder,
        http_host="127.0.0.1",
        http_port=0,
        max_jump_bps=200.0,
    )
    set_up_logs([group])

    async def run() -> None:
        await Worker(settings, [role], Lifeline()).run()

    asyncio.run(run())


def aiokafka_loop(servers: str, source: str, out: str, group: str, folder: Path) -> None:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    async def run() -> None:
        consumer = AIOKafkaConsumer(
            source,
            bootstrap_servers=servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_500,
        )
        producer = AIOKafkaProducer(bootstrap_servers=servers, max_batch_size=131_072)
        await producer.start()
        await consumer.start()
        committed = time.monotonic()
        while True:
            batches = await consumer.getmany(timeout_ms=200, max_records=2_000)
            sent = [
                await producer.send(
                    out, key=message.key, value=relay(message.value), headers=list(message.headers)
                )
                for messages in batches.values()
                for message in messages
            ]
            if sent:
                await asyncio.gather(*sent)
            if time.monotonic() - committed > _COMMIT_EVERY_S:
                await consumer.commit()
                committed = time.monotonic()

    asyncio.run(run())


def confluent_loop(servers: str, source: str, out: str, group: str, folder: Path) -> None:
    from confluent_kafka import Consumer, Producer

    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer(
        {"bootstrap.servers": servers, "linger.ms": 1, "queue.buffering.max.messages": 1_000_000}
    )
    consumer.subscribe([source])
    committed, taken = time.monotonic(), 0
    while True:
        messages = consumer.consume(1_000, timeout=0.01)
        for message in messages:
            producer.produce(out, relay(message.value()), message.key(), headers=message.headers())
        taken += len(messages)
        producer.poll(0)
        if taken and time.monotonic() - committed > _COMMIT_EVERY_S:
            producer.flush(30)
            consumer.commit(asynchronous=False)
            committed, taken = time.monotonic(), 0


def make_faust_app(servers: str, group: str, folder: Path) -> Any:
    import faust

    return faust.App(
        group,
        broker=f"kafka://{servers}",
        store="memory://",
        datadir=str(folder / group),
        web_enabled=False,
        topic_partitions=4,
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
    )


def faust_app(servers: str, source: str, out: str, group: str, folder: Path, naive: bool) -> None:
    import faust

    app = make_faust_app(servers, group, folder)
    taken, given = (app.topic(name, key_serializer="raw", value_serializer="raw") for name in (source, out))

    @app.agent(taken)
    async def hop(stream: faust.Stream[bytes]) -> None:
        async for event in stream.events():
            sent = {"key": event.key, "value": relay(event.value), "headers": event.headers}
            if naive:
                await given.send(**sent)
            else:
                given.send_soon(**sent)

    app.finalize()
    faust.Worker(app, loglevel="ERROR").execute_from_commandline()


def chain(servers: str, source: str, out: str, group: str, folder: Path) -> None:
    """A hop to each of the topics in `out`, one after the other, in one process: `await topic.send(...)`."""
    import faust

    app = make_faust_app(servers, group, folder)
    names = [source, *out.split(",")]
    topics = [app.topic(name, key_serializer="raw", value_serializer="raw") for name in names]
    for taken, given in pairwise(topics):

        async def hop(stream: faust.Stream[bytes], given: faust.TopicT[bytes] = given) -> None:
            async for event in stream.events():
                await given.send(key=event.key, value=relay(event.value), headers=event.headers)

        app.agent(taken, name=f"{group}.{taken.get_topic_name()}")(hop)
    app.finalize()
    faust.Worker(app, loglevel="ERROR").execute_from_commandline()


def stock(servers: str, source: str, out: str, group: str, folder: Path) -> None:
    """Faust as it comes, which sends in the background."""
    faust_app(servers, source, out, group, folder, naive=False)


def naive(servers: str, source: str, out: str, group: str, folder: Path) -> None:
    """Faust as its tutorial has it: `await topic.send(...)`."""
    faust_app(servers, source, out, group, folder, naive=True)


WAYS = {
    "chain": chain,
    "shell": shell,
    "aiokafka": aiokafka_loop,
    "confluent": confluent_loop,
    "stock": stock,
    "naive": naive,
}

if __name__ == "__main__":
    way, *names, folder = sys.argv[1:]
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    WAYS[way](*names, Path(folder))
