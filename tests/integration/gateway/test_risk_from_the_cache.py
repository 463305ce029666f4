"""`GET /risk`: a dead or flushed cache costs latency, never truth, and no order waits for it."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import hedge_examples as example
import pytest
from confluent_kafka import Producer
from gateway_process import Answer, Gateway, Quotes, eventually
from redis import Redis

from hedgerow.ledger.connection import connect
from hedgerow.ledger.halts import HaltTarget, place_halt
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.codec import encode
from hedgerow.schemas.topics import RISK_STATE
from hedgerow_local.redis_cluster import RedisClusterServer

STRATEGY = example.strategy().key
ORDER = {
    "asset_class": "CRYPTO",
    "symbol": "BTC/USDT",
    "side": "BUY",
    "quantity": "0.01",
    "order_type": "MARKET",
    "client_id": "acme",
}


class Risk:
    """Repeats a strategy's risk state, as risk does, with this delta."""

    def __init__(self, kafka: str) -> None:
        self._producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
        self.delta = "1"
        # Above what another test of the session wrote.
        self._sequence = time.time_ns()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._producer.flush(30)

    def _repeat(self) -> None:
        while not self._stopping.wait(0.1):
            self._sequence += 1
            state = example.risk(
                self.delta, strategy=STRATEGY, sequence=self._sequence, time_ns=time.time_ns()
            )
            self._producer.produce(RISK_STATE.name, encode(state), STRATEGY.encode())
            self._producer.poll(0)


@pytest.fixture
def risk(kafka: str) -> Iterator[Risk]:
    found = Risk(kafka)
    yield found
    found.close()


@pytest.fixture
async def live(ledger_dsn: str) -> None:
    connection = await connect(ledger_dsn, "test")
    await publish_venue(connection, example.venue(), time.time_ns())
    await publish_strategy(connection, example.strategy(), "r1", time.time_ns())
    await place_halt(connection, HaltTarget(kind="All"), "cli", "lunch", time.time_ns())
    await connection.close()


def sources(answer: Answer) -> tuple[str, str] | None:
    """Where the one strategy's risk and hedge are from; None while one of them is missing."""
    assert answer.status == 200, answer
    (row,) = answer.body
    assert row["strategy"] == STRATEGY
    if row["risk"] is None or row["hedge"] is None:
        return None
    assert "lunch" in row["hedge"]["halts"][0]
    return row["risk"]["source"], row["hedge"]["source"]


def delta(answer: Answer) -> str | None:
    state = answer.body[0]["risk"]
    return None if state is None else state["exposures"][0]["delta"]


async def shown(gateway: Gateway, expected: tuple[str, str], wanted: str) -> None:
    async def look() -> bool:
        answer = await gateway.call("GET", "/risk", who="vera")
        return sources(answer) == expected and delta(answer) == wanted

    await eventually(f"{wanted} from {expected}", look)


async def test_risk_is_shown_from_the_cache_and_without_it_from_the_stream_and_the_ledger(
    start_gateway: Callable[..., Gateway],
    own_redis_cluster: RedisClusterServer,
    live: None,
    risk: Risk,
    quotes: Quotes,
) -> None:
    gateway = start_gateway(roles="gateway,books,cache", HEDGEROW_REDIS=own_redis_cluster.addresses)
    await gateway.ready()
    await quotes.show(gateway, "BTC/USDT", 60_000.0, 60_010.0)
    await shown(gateway, ("cache", "cache"), "1")

    for master in own_redis_cluster.masters:
        with Redis(port=master.port) as link:
            link.flushall()
    answer = await gateway.call("GET", "/risk", who="vera")
    assert sources(answer) is not None
    assert delta(answer) == "1"
    await shown(gateway, ("cache", "cache"), "1")

    for master in own_redis_cluster.masters:
        own_redis_cluster.kill_master(master)
    risk.delta = "2"
    await shown(gateway, ("stream", "ledger"), "2")
    placed = await gateway.call("POST", "/orders", json_body=ORDER)
    assert (placed.status, placed.body["status"]) == (201, "FILLED")

    # The role learns of it with its own next write, not with the gateway's next read.
    async def unready() -> str | None:
        status, words = await gateway.health("/ready")
        return words if status == 503 else None

    words = await eventually("the role says that the cache is away", unready)
    assert "cache.cache" in words
    assert "gateway." not in words

    own_redis_cluster.wait_until_whole()
    risk.delta = "3"
    await shown(gateway, ("cache", "cache"), "3")
    await gateway.ready()
    assert await gateway.metric("hedgerow_gateway_states_shown_total", source="ledger") > 0
    assert await gateway.metric("hedgerow_cache_states_total", outcome="written") > 0


async def test_without_a_cache_risk_is_shown_all_the_same(
    start_gateway: Callable[..., Gateway], live: None, risk: Risk
) -> None:
    gateway = await start_gateway().ready()
    await shown(gateway, ("stream", "ledger"), "1")


async def test_a_strategy_of_which_risk_is_silent_is_shown_with_the_reason(
    start_gateway: Callable[..., Gateway], live: None, kafka: str
) -> None:
    gateway = await start_gateway().ready()
    # Others may have spoken of it in this session until just now; that ages.

    async def silent() -> Any:
        answer = await gateway.call("GET", "/risk", who="vera")
        return answer.body[0]["risk"] is None and answer.body[0]["problem"]

    assert "risk has said nothing" in await eventually("risk is silent", silent)


async def test_a_cache_address_that_is_none_is_refused_at_the_start(
    start_gateway: Callable[..., Gateway],
) -> None:
    gateway = start_gateway(HEDGEROW_REDIS="nowhere")

    async def ended() -> bool:
        return gateway._process.poll() == 1

    await eventually("the gateway has ended", ended)
    assert "HEDGEROW_REDIS" in gateway.log_end()
