"""What a topic of one partition says now: the newest record of every key."""

from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from hedgerow.schemas.codec import Decoder


def newest_by_key(kafka: str, topic: str, record_type: Any) -> dict[str, Any]:
    """Read to the end; keys with a tombstone are left out."""
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": "topic-contents", "enable.partition.eof": True}
    )
    found: dict[str, bytes | None] = {}
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        while True:
            message = consumer.poll(30)
            assert message is not None, f"{topic} did not come to its end"
            if message.error() is not None:
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                break
            found[message.key().decode()] = message.value()
    finally:
        consumer.close()
    decoder: Decoder[Any] = Decoder(record_type)
    return {key: decoder.decode(value) for key, value in found.items() if value is not None}
