"""What becomes of strategies and of what they say when the operator, or who runs them, is there no longer."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Producer
from operator_desk import Desk, eventually

from hedgerow.schemas.acknowledging import PIPELINE
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import RoleBeat
from hedgerow.schemas.topics import ROLE_BEATS
from hedgerow.streams.partitioning import partition_of

KIND = "HedgeStrategy"
PARTITIONS = 4


def finalizers(desk: Desk, name: str) -> list[str]:
    found = desk.kube.get(KIND, name)
    assert found is not None
    names: list[str] = found["metadata"].get("finalizers", [])
    return names


def declared(desk: Desk) -> None:
    desk.operator.start()
    desk.venue()
    desk.strategy("btc")
    desk.kube.wait(KIND, "btc", "Published", "True")
    assert finalizers(desk, "btc")


def beat(desk: Desk, name: str, time_ns: int) -> None:
    """Every role of the pipeline was running this strategy's partition then."""
    producer = Producer({"bootstrap.servers": desk.kafka, "partitioner": "murmur2_random"})
    partitions = (partition_of(desk.key(name), PARTITIONS),)
    for role in PIPELINE:
        record = RoleBeat(role=role, worker="w-1", partitions=partitions, time_ns=time_ns)
        producer.produce(ROLE_BEATS.name, encode(record), f"{role}/w-1".encode())
    assert producer.flush(10) == 0


def test_uninstalled_it_leaves_nothing_that_waits_for_it(
    own_desk: Callable[..., Desk], kube_apiserver: Path
) -> None:
    desk = own_desk()
    declared(desk)
    assert desk.operator.stop() == 0
    assert finalizers(desk, "btc"), "it may come back, and then a deletion has to wait for it"
    environment = {"KUBECONFIG": str(kube_apiserver), "HEDGEROW_WATCH_NAMESPACES": desk.kube.namespace}
    command = [sys.executable, "-m", "hedgerow_operator.main", "let-go"]
    subprocess.run(command, env=environment, check=True, timeout=120)
    assert finalizers(desk, "btc") == []
    # It was let go, not withdrawn: an operator that comes back takes it up again.
    desk.operator.start()
    eventually("it is held again", lambda: finalizers(desk, "btc"))
    assert desk.live("btc") is not None
    # Nothing of a Secret, and no line for each event that a watch shows.
    assert '"logger": "kopf' not in desk.operator.log.read_text()


def test_deleted_with_its_namespace_it_lets_go_before_it_ends(own_desk: Callable[..., Desk]) -> None:
    desk = own_desk()
    declared(desk)
    desk.kube.core.delete_namespace(desk.kube.namespace)
    desk.operator.stop()
    assert finalizers(desk, "btc") == []


def test_roles_that_fall_silent_leave_nothing_old_to_be_believed(own_desk: Callable[..., Desk]) -> None:
    desk = own_desk()
    declared(desk)
    live = desk.live("btc")
    assert live is not None
    beat(desk, "btc", time.time_ns())
    desk.acknowledge(live)
    desk.kube.wait(KIND, "btc", "Ready", "True")
    assert "risk" in desk.kube.wait(KIND, "btc", "Ready", "Unknown", "RoleSilent")["message"]
    assert desk.kube.condition(KIND, "btc", "Degraded")["status"] == "True"
    found = desk.kube.get(KIND, "btc")
    assert found is not None
    assert found["status"]["state"] == "Unknown"
    beat(desk, "btc", time.time_ns())
    desk.kube.wait(KIND, "btc", "Ready", "True")
