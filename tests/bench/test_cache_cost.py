"""What writing the cache and hearing of it cost, beside pipelines grouped by hand and a plain PUBLISH, in one run.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_cache_cost.py`. Nothing is gated: the ratios are for reading.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import quantiles
from typing import Any

import hedge_examples as example
import pytest
from interleaved import Program, measure, show
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.crc import key_slot

from hedgerow.adapters.cache import Cache
from hedgerow.adapters.cache_keys import RISK_STATES, Entry, order_of
from hedgerow.adapters.cache_store import WRITTEN, Store
from hedgerow.adapters.redis_masters import Master, Masters
from hedgerow.schemas.codec import encode
from hedgerow_local.owned import OwnedProcess
from hedgerow_local.ports import LOOPBACK, free_port
from hedgerow_local.redis_cluster import server_program

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

STATES = 2_000
ANCHOR = "SET, pipelines grouped by hand"
TOLD = 2_000
WARM_UP = 100
# A crowded machine is no outage here.
PATIENCE_S = 30.0


class Writers:
    """The same states into the same cluster by several means."""

    def __init__(self, nodes: str) -> None:
        self.masters = Masters(nodes, PATIENCE_S)
        self._store = Store(self.masters)
        host, _, port = nodes.split(",")[0].rpartition(":")
        self._cluster = RedisCluster(host=host, port=int(port))
        names = [f"default/strategy-{number}" for number in range(STATES)]
        self._ours = [RISK_STATES.key(name) for name in names]
        # Keys of their own: our script compares with what is there.
        self._plain = [f"raw:{key}" for key in self._ours]
        self._values = [encode(example.risk("1", strategy=name)) for name in names]
        self._sequence = count(1)

    async def open(self) -> None:
        await self._cluster.initialize()
        self._owner: dict[int, Master] = {}
        for key in self._plain:
            (master,) = await self.masters.group([key])
            self._owner[key_slot(key.encode())] = master

    async def close(self) -> None:
        await self._cluster.aclose()
        await self.masters.close()

    async def ours(self) -> None:
        order = order_of(next(self._sequence), 0)
        entries = {key: Entry(key, order, value) for key, value in zip(self._ours, self._values, strict=True)}
        groups = await self.masters.group(entries)
        written = await asyncio.gather(
            *(self._store.write(master, [entries[key] for key in keys]) for master, keys in groups.items())
        )
        assert all(outcome == WRITTEN for stored in written for outcome in stored.outcomes)

    async def by_hand(self, told: bool) -> None:
        pipelines = {master: master.client.pipeline(transaction=False) for master in self.masters.known()}
        for key, value in zip(self._plain, self._values, strict=True):
            pipeline = pipelines[self._owner[key_slot(key.encode())]]
            pipeline.set(key, value, px=60_000)
            if told:
                pipeline.execute_command("SPUBLISH", key, value)
        await asyncio.gather(*(pipeline.execute() for pipeline in pipelines.values()))

    async def cluster_pipeline(self) -> None:
        pipeline = self._cluster.pipeline()
        for key, value in zip(self._plain, self._values, strict=True):
            pipeline.set(key, value, px=60_000)
        await pipeline.execute()

    async def one_by_one(self) -> None:
        for key, value in zip(self._plain, self._values, strict=True):
            await self._owner[key_slot(key.encode())].client.set(key, value, px=60_000)


def test_the_cost_of_writing(redis_cluster: str) -> None:
    with asyncio.Runner() as runner:
        writers = Writers(redis_cluster)
        runner.run(writers.open())

        def timed(work: Callable[[], Awaitable[None]]) -> tuple[Program, int]:
            async def run() -> None:
                await work()

            return lambda: runner.run(run()), STATES

        measured = measure(
            {
                ANCHOR: timed(lambda: writers.by_hand(told=False)),
                "ours: compare, set and tell": timed(writers.ours),
                "SET and SPUBLISH, grouped by hand": timed(lambda: writers.by_hand(told=True)),
                "SET, redis-py's cluster pipeline": timed(writers.cluster_pipeline),
                "SET, one by one": timed(writers.one_by_one),
            },
            ANCHOR,
            slice_seconds=0.05,
        )
        runner.run(writers.close())
    aims = {"ours: compare, set and tell": "0.8"}
    show(f"Writing {STATES:,} risk states of {len(writers._values[0])} bytes", measured, aims)
    print("  per second:", {name: f"{1 / result.seconds:,.0f}" for name, result in measured.items()})


@pytest.fixture
def plain_server(tmp_path: Path) -> Iterator[int]:
    """The port of a Redis that is no cluster."""
    port = free_port()
    command = [
        server_program(),
        "--port",
        str(port),
        "--bind",
        LOOPBACK,
        "--save",
        "",
        "--dir",
        str(tmp_path),
    ]
    process = OwnedProcess("Redis", command, log=tmp_path / "redis.log")
    try:
        yield port
    finally:
        process.stop(10)


async def test_how_long_a_subscriber_waits(redis_cluster: str, plain_server: int) -> None:
    value = encode(example.risk("1"))
    plain = await _plain(plain_server, value)
    ours = await _ours(redis_cluster)
    print(f"\nFrom publishing to the subscriber, {TOLD:,} states one after the other")
    print(f"  {'':46s}{'p50 ms':>10s}{'p99 ms':>10s}{'p50 x':>8s}{'p99 x':>8s}")
    anchor = quantiles(plain, n=100)
    for name, times in (("plain PUBLISH, one node", plain), ("ours: store, told, decoded", ours)):
        cuts = quantiles(times, n=100)
        print(
            f"  {name:46s}{cuts[49]:10.3f}{cuts[98]:10.3f}{cuts[49] / anchor[49]:8.2f}{cuts[98] / anchor[98]:8.2f}"
        )
    assert len(plain) == len(ours) == TOLD


async def _plain(port: int, value: bytes) -> list[float]:
    publisher = Redis(host=LOOPBACK, port=port)
    pubsub: Any = Redis(host=LOOPBACK, port=port).pubsub()
    while True:
        try:
            await pubsub.subscribe("quotes")
            break
        except OSError:
            await asyncio.sleep(0.05)
    assert (await pubsub.get_message(timeout=10))["type"] == "subscribe"

    async def once() -> float:
        begun = time.perf_counter()
        await publisher.publish("quotes", value)
        assert (await pubsub.get_message(timeout=10))["data"] == value
        return (time.perf_counter() - begun) * 1e3

    times = [await once() for _ in range(WARM_UP + TOLD)]
    await pubsub.aclose()
    await publisher.aclose()
    return times[WARM_UP:]


async def _ours(nodes: str) -> list[float]:
    masters, readers = Masters(nodes, PATIENCE_S), Masters(nodes, PATIENCE_S)
    store, name = Store(masters), f"default/told-{time.time_ns()}"
    key = RISK_STATES.key(name)
    (master,) = await masters.group([key])
    heard: asyncio.Queue[int] = asyncio.Queue()

    async def tell(sequence: int) -> None:
        record = encode(example.risk("1", strategy=name, sequence=sequence))
        assert (await store.write(master, [Entry(key, order_of(sequence, 0), record)])).outcomes == [WRITTEN]

    async def follow() -> None:
        async for _, state in Cache(readers).follow(RISK_STATES, [name]):
            heard.put_nowait(state.sequence)

    await tell(1)
    following = asyncio.create_task(follow())
    assert await heard.get() == 1
    times = []
    for sequence in range(2, 2 + WARM_UP + TOLD):
        begun = time.perf_counter()
        await tell(sequence)
        assert await heard.get() == sequence
        times.append((time.perf_counter() - begun) * 1e3)
    following.cancel()
    await asyncio.wait([following])
    await masters.close()
    await readers.close()
    return times[WARM_UP:]
