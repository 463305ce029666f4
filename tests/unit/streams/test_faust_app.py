"""What Faust awaits before it commits offsets, and where it listens."""

from pathlib import Path
from typing import Any, cast

import pytest

from hedgerow.streams.faust_app import Partition, StreamApp, build_app
from hedgerow.streams.lifeline import Lifeline, WorkerFailed
from hedgerow.streams.producer import DeliveryFailed, KafkaProducer


class Shared:
    def __init__(self) -> None:
        self.drains = 0
        self.broken = False

    async def drained(self) -> None:
        self.drains += 1
        if self.broken:
            raise DeliveryFailed("lost")


class Deaf:
    async def assigned(self, partitions: frozenset[Partition]) -> None: ...

    async def revoked(self, partitions: frozenset[Partition]) -> None: ...


@pytest.fixture
async def parts(tmp_path: Path) -> tuple[StreamApp, Shared, Lifeline]:
    shared, lifeline = Shared(), Lifeline()
    app = build_app("risk", "h1:1,h2:2", tmp_path, lifeline, cast(KafkaProducer, shared), Deaf())
    return app, shared, lifeline


async def test_before_a_commit_everything_sent_must_be_delivered(parts: Any) -> None:
    app, shared, _ = parts
    await app.producer.flush()
    assert shared.drains == 1
    shared.broken = True
    with pytest.raises(DeliveryFailed):
        await app.producer.flush()


async def test_a_failing_worker_commits_nothing(parts: Any) -> None:
    app, shared, lifeline = parts
    lifeline.fail("a step could not be sent")
    with pytest.raises(WorkerFailed, match="a step could not be sent"):
        await app.producer.flush()
    assert shared.drains == 0


async def test_the_app_is_the_group_and_knows_every_broker(parts: Any) -> None:
    app, _, _ = parts
    assert app.conf.id == "hedgerow-risk"
    assert [str(url) for url in app.conf.broker] == ["kafka://h1:1", "kafka://h2:2"]
    assert app.conf.topic_allow_declare is False
    assert app.conf.topic_disable_leader is True
