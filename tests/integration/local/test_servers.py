"""The real servers: they start, answer, keep what they were given across a second start, and leave nothing."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from confluent_kafka import Consumer, Producer

from hedgerow.schemas.topics import TOPICS
from hedgerow.streams.topic_making import TopicsUnusable, ensure_topics
from hedgerow_local.errors import LocalError
from hedgerow_local.kafka import KafkaServer, admin_client
from hedgerow_local.ports import free_port, free_ports
from hedgerow_local.postgres import PostgresServer, data_folder, execute, fetch_value, remove_data


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


@pytest.fixture
def postgres_data(tmp_path: Path) -> Iterator[Path]:
    data = data_folder(tmp_path / "pg")
    yield data
    if data.parent != tmp_path:
        remove_data(data.parent)


def test_postgres_keeps_what_was_committed_through_a_crash_and_leaves_no_process(
    postgres_data: Path, tmp_path: Path
) -> None:
    before = children()
    server = PostgresServer(postgres_data, free_port(), tmp_path / "log")
    server.start()
    execute(server.dsn, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
    server.kill()
    again = PostgresServer(postgres_data, free_port(), tmp_path / "log")
    again.start()
    try:
        assert fetch_value(again.dsn, "SELECT n FROM kept") == 42
        assert fetch_value(again.dsn, "SHOW fsync") == "on"
        assert fetch_value(again.dsn, "SHOW synchronous_commit") == "on"
        assert fetch_value(again.dsn, "SHOW listen_addresses") == "127.0.0.1"
    finally:
        again.stop()
    assert children() <= before


def test_a_data_folder_in_use_is_not_deleted(postgres_data: Path, tmp_path: Path) -> None:
    server = PostgresServer(postgres_data, free_port(), tmp_path / "log")
    server.start()
    try:
        with pytest.raises(LocalError, match="still runs"):
            remove_data(postgres_data.parent)
    finally:
        server.stop()


def test_postgres_that_cannot_start_says_why(postgres: str, postgres_data: Path, tmp_path: Path) -> None:
    taken = int(postgres.rsplit(":", 1)[1].split("/")[0])
    server = PostgresServer(postgres_data, taken, tmp_path / "log")
    with pytest.raises(LocalError, match="Address already in use"):
        server.start()
    server.stop()


def test_kafka_keeps_topics_and_messages_through_a_second_start_on_other_ports(tmp_path: Path) -> None:
    before = children()
    first = KafkaServer(tmp_path / "kafka", *free_ports(2))
    first.start()
    try:
        ensure_topics(first.bootstrap, 4)
        producer = Producer({"bootstrap.servers": first.bootstrap})
        producer.produce("books", b"value", key=b"key")
        assert producer.flush(10) == 0
    finally:
        first.stop()
    second = KafkaServer(tmp_path / "kafka", *free_ports(2))
    second.start()
    try:
        ensure_topics(second.bootstrap, 4)
        consumer = Consumer(
            {"bootstrap.servers": second.bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"}
        )
        consumer.subscribe(["books"])
        message = consumer.poll(30)
        assert message is not None
        assert message.value() == b"value"
        consumer.close()
    finally:
        second.stop()
    assert children() <= before


def test_every_topic_has_its_partitions_and_none_is_made_by_asking(kafka: str) -> None:
    topics = admin_client(kafka).list_topics(timeout=10).topics
    for topic in TOPICS:
        assert len(topics[topic.name].partitions) == (4 if topic.partitioned else 1)
    asked = admin_client(kafka).list_topics("never.made", timeout=10).topics["never.made"]
    assert asked.error is not None


def test_another_number_of_partitions_is_refused(kafka: str) -> None:
    with pytest.raises(TopicsUnusable, match=r"has 4 partitions instead of 5.*HEDGEROW_PARTITIONS"):
        ensure_topics(kafka, 5)


async def test_each_ledger_is_fresh_and_migrated(ledger_dsn: str, module_ledger_dsn: str) -> None:
    assert ledger_dsn != module_ledger_dsn
    connection = await asyncpg.connect(ledger_dsn)
    try:
        assert await connection.fetchval("SELECT version_num FROM alembic_version")
    finally:
        await connection.close()
