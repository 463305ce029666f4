"""A worker whose servers are not there says which and where, waits, and comes up when they do."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hedgerow.streams.topic_making import ensure_topics
from hedgerow_local.kafka import KafkaServer


def missing(worker: Any) -> dict[str, str]:
    status, body = worker.get("/ready")
    assert status == 503
    found: dict[str, str] = json.loads(body)["missing"]
    return found


def test_kafka_absent_at_start_is_named_and_waited_for(
    start_worker: Any, eventually: Any, free_port: Callable[[], int], tmp_path: Path
) -> None:
    port, controller_port = free_port(), free_port()
    address = f"127.0.0.1:{port}"
    worker = start_worker("risk", HEDGEROW_KAFKA=address)
    waiting = eventually("waiting for Kafka", lambda: worker.logged("waiting for Kafka"))[0]
    assert waiting["address"] == address
    assert f"Kafka at {address} does not answer" in missing(worker)["process.kafka"]
    assert worker.get("/healthz")[0] == 200

    with ExitStack() as ends:
        server = KafkaServer(tmp_path / "kafka", port, controller_port)
        ends.callback(server.stop)
        server.start()
        eventually("the topic is missed", lambda: "process.topics" in missing(worker))
        assert missing(worker)["process.topics"] == f"Kafka at {address} has no topic risk.inputs"
        ensure_topics(address, 4)
        worker.wait_ready()
        worker.end()


def test_postgres_absent_at_start_is_named_and_nothing_is_taken(
    cluster: Any, start_worker: Any, make_feed: Any, eventually: Any, free_port: Callable[[], int]
) -> None:
    feed = make_feed(1)
    feed.introduce()
    port = free_port()
    worker = start_worker("risk", HEDGEROW_LEDGER_DSN=f"postgresql://nobody@127.0.0.1:{port}/none")
    eventually("ledger away", lambda: worker.logged("ledger away"))
    conditions = missing(worker)
    assert f"127.0.0.1:{port}" in conditions["risk.ledger"]
    assert "risk.inputs" in conditions["risk.state"]
    assert (
        'hedgerow_messages_received_total{role="risk",topic="risk.inputs"} 0.0' in worker.get("/metrics")[1]
    )


def test_a_topic_of_another_shape_ends_the_worker_with_the_reason(start_worker: Any, eventually: Any) -> None:
    worker = start_worker("risk", HEDGEROW_PARTITIONS="3")
    reason = eventually("failed", lambda: worker.logged("worker failed"))[0]["reason"]
    assert "topic risk.inputs has 4 partitions, HEDGEROW_PARTITIONS asks for 3" in reason
    assert worker.wait() == 1
