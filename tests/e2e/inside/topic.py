"""Runs in a pod of the release: prints what the topic `strategies` says now: uid, generation and revision by key."""

import json
import os

from confluent_kafka import Consumer, TopicPartition

from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import STRATEGIES

consumer = Consumer({"bootstrap.servers": os.environ["HEDGEROW_KAFKA"], "group.id": "reading"})
at = TopicPartition(STRATEGIES.name, 0, 0)
end = consumer.get_watermark_offsets(at, timeout=30)[1]
consumer.assign([at])
found: dict[str, bytes | None] = {}
while consumer.position([at])[0].offset < end:
    for message in consumer.consume(500, 1.0):
        if message.error() is None:
            found[message.key().decode()] = message.value()
decoder: Decoder[StrategyPublished] = Decoder(StrategyPublished)
known = {key: decoder.decode(value) for key, value in found.items() if value is not None}
print(json.dumps({key: [item.uid, item.generation, item.revision] for key, item in known.items()}))
