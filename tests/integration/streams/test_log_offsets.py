"""Where logs begin and end, and how far a worker is behind by that."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from hedgerow.schemas.topics import RISK_INPUTS
from hedgerow.streams.faust_app import Partition, group_of
from hedgerow.streams.log_offsets import LogOffsets

PARTITIONS: list[Partition] = [(RISK_INPUTS.name, number) for number in range(4)]


async def settled(log: LogOffsets) -> dict[Partition, int]:
    """The ends, once every partition that was just made has its leader."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await log.ends(PARTITIONS)
        except KafkaException:
            if time.monotonic() > deadline:
                raise


async def test_the_brokers_tell_where_each_log_begins_and_ends(
    kafka: str, cluster: Any, make_feed: Any
) -> None:
    make_feed(1).introduce()
    cluster.flush()
    log = LogOffsets(kafka)
    ends = await settled(log)
    assert ends == {partition: cluster.end(*partition) for partition in PARTITIONS}
    assert sum(ends.values()) > 0
    assert await log.ends([]) == {}


async def test_a_group_goes_on_where_it_committed_or_where_the_log_begins(
    kafka: str, cluster: Any, make_feed: Any
) -> None:
    make_feed(1).introduce()
    cluster.flush()
    log = LogOffsets(kafka)
    ended = next(partition for partition, end in (await settled(log)).items() if end > 0)
    reader = Consumer({"bootstrap.servers": kafka, "group.id": "test-starts"})
    reader.commit(offsets=[TopicPartition(*ended, 1)], asynchronous=False)
    reader.close()
    assert await log.starts("test-starts", PARTITIONS) == dict.fromkeys(PARTITIONS, 0) | {ended: 1}
    assert await log.starts("nobody", PARTITIONS) == dict.fromkeys(PARTITIONS, 0)
    assert await log.starts("nobody", []) == {}


async def test_brokers_that_are_away_are_an_error_in_time(free_port: Callable[[], int]) -> None:
    with pytest.raises(KafkaException):
        await LogOffsets(f"127.0.0.1:{free_port()}").ends(PARTITIONS)


async def test_a_worker_that_may_not_take_anything_says_how_far_it_is_behind(
    kafka: str, cluster: Any, start_worker: Any, make_feed: Any, eventually: Any, free_port: Callable[[], int]
) -> None:
    make_feed(1).introduce()
    cluster.flush()
    worker = start_worker("risk", HEDGEROW_LEDGER_DSN=f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    group = group_of("risk")
    behind = {
        f'hedgerow_consumer_lag_messages{{partition="{number}",role="risk",topic="{topic}"}}': cluster.end(
            topic, number
        )
        - max(0, cluster.committed(group, topic, number))
        for topic, number in PARTITIONS
    }
    assert sum(behind.values()) > 0

    def shown() -> bool:
        metrics = worker.get("/metrics")[1]
        return all(f"{name} {float(lag)}" in metrics for name, lag in behind.items())

    eventually("the lag of each partition", shown)
