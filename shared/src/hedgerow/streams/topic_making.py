"""Makes the topics that Hedgerow runs on, and refuses to run on topics of another shape."""

import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from hedgerow.schemas.topics import TOPICS, Cleanup, Topic
from hedgerow.streams.kafka_access import librdkafka_options

ANSWER_TIMEOUT_S = 30.0
# Compaction leaves the segment that is being written alone; with the default of a week, a book that is
# repeated every second would be read back whole by whoever starts.
COMPACTED_SEGMENT_MS = 10 * 60_000


class TopicsUnusable(RuntimeError):
    """A topic is there in another shape, or could not be made; the message says which and what to do."""


def topic_settings(topic: Topic) -> dict[str, str]:
    """The broker's settings for a topic."""
    settings = {"cleanup.policy": str(topic.cleanup)}
    if topic.retention_ms is not None:
        settings["retention.ms"] = str(topic.retention_ms)
    if topic.cleanup is Cleanup.COMPACT:
        settings["segment.ms"] = str(COMPACTED_SEGMENT_MS)
    return settings


def _wanted(partitions: int, replication: int) -> dict[str, NewTopic]:
    return {
        topic.name: NewTopic(
            topic.name,
            num_partitions=partitions if topic.partitioned else 1,
            replication_factor=replication,
            config=topic_settings(topic),
        )
        for topic in TOPICS
    }


def ensure_topics(bootstrap: str, partitions: int, replication: int = 1) -> None:
    """Make every topic that is missing and wait until all can be written; what is there is left as it is.

    Args:
        partitions: of every partitioned topic; fixed for the life of an installation.
        replication: of the topics that are made.

    Raises:
        TopicsUnusable: a topic is there with another number of partitions, or could not be made.
    """
    quiet: dict[str, Any] = librdkafka_options(bootstrap) | {"log_level": 0, "error_cb": lambda _: None}
    admin = AdminClient(quiet)
    wanted = _wanted(partitions, replication)
    there = _partition_counts(admin)
    for name, topic in wanted.items():
        if there.get(name, topic.num_partitions) != topic.num_partitions:
            raise TopicsUnusable(
                f"topic {name} at {bootstrap} has {there[name]} partitions instead of "
                f"{topic.num_partitions}; the number is fixed for the life of an installation: "
                "delete the topic or set HEDGEROW_PARTITIONS to what it was"
            )
    missing = [topic for name, topic in wanted.items() if name not in there]
    if missing:
        _create(admin, missing)
    _wait_for_leaders(admin, set(wanted))


def _create(admin: AdminClient, topics: list[NewTopic]) -> None:
    for name, answer in admin.create_topics(topics, request_timeout=ANSWER_TIMEOUT_S).items():
        try:
            answer.result(ANSWER_TIMEOUT_S)
        except KafkaException as problem:
            if problem.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicsUnusable(f"topic {name} could not be made: {problem}") from problem


def _partition_counts(admin: AdminClient) -> dict[str, int]:
    topics = admin.list_topics(timeout=ANSWER_TIMEOUT_S).topics
    return {name: len(topic.partitions) for name, topic in topics.items()}


def _wait_for_leaders(admin: AdminClient, names: set[str]) -> None:
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline:
        topics = admin.list_topics(timeout=ANSWER_TIMEOUT_S).topics
        led = {
            name
            for name in names & topics.keys()
            if topics[name].partitions and all(part.leader >= 0 for part in topics[name].partitions.values())
        }
        if led == names:
            return
        time.sleep(0.05)
    raise TopicsUnusable(f"no leader in {ANSWER_TIMEOUT_S:.0f} s for: {', '.join(sorted(names - led))}")
