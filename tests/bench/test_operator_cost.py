"""What the operator costs: how soon an edit is accepted and ready, and many strategies at once.

On a light API server (etcd and kube-apiserver, no controllers), with a real ledger and Kafka. The roles'
acknowledgements come from a stand-in that answers each generation at once, so `Ready` holds the operator's share and
none of the pipeline's. The anchor is the API server itself: what one status write takes, measured in the same run.
"""

import os
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from operator_desk import Desk, Kube, Operator, eventually
from prometheus_client.parser import text_string_to_metric_families

from hedgerow.schemas.acknowledging import required_roles
from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import Acknowledgement, StrategyPublished
from hedgerow.schemas.topics import STRATEGIES, STRATEGY_STATUS

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

KIND = "HedgeStrategy"
EDITS = 50
MANY = 1_000
# One after the other, their creation would take longer than all else.
HANDS = 8
DEADLINE_S = 600


class Answering:
    """Acknowledges, for every role, each generation of a namespace that comes on the topic."""

    def __init__(self, kafka: str, namespace: str) -> None:
        self._namespace = namespace
        self._consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"bench-{uuid.uuid4().hex}"})
        self._consumer.assign([TopicPartition(STRATEGIES.name, 0, 0)])
        self._producer = Producer(
            {"bootstrap.servers": kafka, "partitioner": "murmur2_random", "linger.ms": 0}
        )
        self._decoder: Decoder[StrategyPublished] = Decoder(StrategyPublished)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.05)
            key = message.key() if message is not None and message.error() is None else None
            if message is None or key is None or message.value() is None:
                continue
            if not key.decode().startswith(f"{self._namespace}/"):
                continue
            published = self._decoder.decode(message.value())
            for role in required_roles(published.config):
                record = Acknowledgement(
                    strategy=published.config.key,
                    role=role,
                    worker="bench",
                    uid=published.uid,
                    generation=published.generation,
                    revision=published.revision,
                    time_ns=time.time_ns(),
                )
                self._producer.produce(
                    STRATEGY_STATUS.name, encode(record), f"{record.strategy}/{role}".encode()
                )
            self._producer.flush(10)


@pytest.fixture
def desk(kube_apiserver: Path, kafka: str, ledger_dsn: str, tmp_path: Path) -> Iterator[Desk]:
    kube = Kube(kube_apiserver, f"bench-{uuid.uuid4().hex[:8]}")
    kube.create_namespace()
    environment = {
        "KUBECONFIG": str(kube_apiserver),
        "HEDGEROW_KAFKA": kafka,
        "HEDGEROW_LEDGER_DSN": ledger_dsn,
        "HEDGEROW_WATCH_NAMESPACES": kube.namespace,
        "HEDGEROW_EXECUTOR_IMAGE": "hedgerow:bench",
    }
    operator = Operator(environment, tmp_path / "operator.log")
    answering = Answering(kafka, kube.namespace)
    operator.start()
    try:
        operator.wait_ready()
        yield Desk(kube, kafka, ledger_dsn, operator)
    finally:
        operator.stop()
        answering.close()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def one_status_write_s(desk: Desk) -> float:
    """The anchor: the same field written again and again by hand."""
    times = []
    desk.kube.apply(KIND, "anchor", desk.kube.get(KIND, "btc")["spec"] | {"suspend": True})  # type: ignore[index]
    for number in range(20):
        began = time.monotonic()
        desk.kube.edit_status(KIND, "anchor", {"revision": f"{number:x}"})
        times.append(time.monotonic() - began)
    desk.kube.delete(KIND, "anchor")
    return statistics.median(times)


def test_an_edit_is_accepted_and_ready(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("btc")
    kube.wait(KIND, "btc", "Ready", "True")
    accepted, ready = [], []
    for number in range(EDITS):
        began = time.monotonic()
        desk.strategy("btc", upper=str(30000 + number))
        kube.wait(KIND, "btc", "Accepted", "True")
        accepted.append(time.monotonic() - began)
        kube.wait(KIND, "btc", "Ready", "True")
        ready.append(time.monotonic() - began)
    anchor_s = one_status_write_s(desk)
    print(f"\n{EDITS} edits, seconds from the API server's answer (looked at every 0.05 s)")
    for name, values in (("Accepted", accepted), ("Ready", ready)):
        p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
        print(f"  to {name}: p50 {p50:.3f}, p99 {p99:.3f}")
        print(f"    p50 is {p50 / anchor_s:.1f} x one status write ({anchor_s:.4f} s)")


def test_many_strategies_at_once_become_ready(desk: Desk) -> None:
    kube, operator = desk.kube, desk.operator
    for number in range(MANY):
        desk.venue(f"v{number}")
    eventually(
        "every Venue is accepted",
        lambda: sum("status" in item for item in kube.all_of("Venue")) == MANY,
        DEADLINE_S,
    )
    process = psutil.Process(operator.pid)
    before, requests = process.cpu_times(), api_requests(operator)
    began = time.monotonic()

    def declare(number: int) -> None:
        leg = {"venueRef": {"name": f"v{number}"}, "instrument": "BTC/USDT:USDT", "priority": 1}
        desk.strategy(f"s{number}", hedgeWith=[leg])

    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(declare, range(MANY)))
    took = {"created": time.monotonic() - began}
    for condition in ("Accepted", "Published", "Ready"):
        eventually(f"all {condition}", lambda condition=condition: all_are(desk, condition), DEADLINE_S)
        took[condition] = time.monotonic() - began
    after = process.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    made = {name: (count - requests[name]) / MANY for name, count in api_requests(operator).items()}
    print(f"\n{MANY} strategies at once, seconds from the first")
    print("  " + ", ".join(f"all {name} {seconds:.1f}" for name, seconds in took.items()))
    print(f"  operator: {cpu_s:.1f} s of processor, {process.memory_info().rss / 2**20:.0f} MiB")
    words = ", ".join(f"{name} {count:.2f}" for name, count in made.items() if count)
    print(f"  {sum(made.values()):.1f} requests to the API server per strategy: {words}")


def all_are(desk: Desk, condition: str) -> bool:
    items = [item for item in desk.kube.all_of(KIND) if item["metadata"]["name"].startswith("s")]
    right = [
        item
        for item in items
        if any(
            found["type"] == condition and found["status"] == "True"
            for found in item.get("status", {}).get("conditions", [])
        )
    ]
    return len(right) == len(items) == MANY


def api_requests(operator: Operator) -> Counter[str]:
    """Requests so far, by verb and resource."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(operator.get("/metrics")[1]):
        for sample in family.samples:
            if sample.name == "hedgerow_operator_api_requests_total":
                found[f"{sample.labels['verb']} {sample.labels['resource']}"] += int(sample.value)
    return found
