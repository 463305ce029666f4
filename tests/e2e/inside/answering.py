"""Runs in a pod of the release: acknowledges for executors of Venues that nobody runs, and says how often.

Its argument is how the names of those Venues begin. It ends when nobody reads what it says.
"""

import os
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from hedgerow.schemas.acknowledging import executor_role
from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import Acknowledgement, StrategyPublished
from hedgerow.schemas.topics import STRATEGIES, STRATEGY_STATUS

SAY_EVERY_S = 1.0
prefix, servers = sys.argv[1], os.environ["HEDGEROW_KAFKA"]
consumer = Consumer({"bootstrap.servers": servers, "group.id": "answering", "fetch.wait.max.ms": 20})
consumer.assign([TopicPartition(STRATEGIES.name, 0, 0)])
producer = Producer({"bootstrap.servers": servers, "partitioner": "murmur2_random", "linger.ms": 1})
decoder: Decoder[StrategyPublished] = Decoder(StrategyPublished)


def answer(published: StrategyPublished, venue: str) -> None:
    record = Acknowledgement(
        strategy=published.config.key,
        role=executor_role(venue),
        worker="answering",
        uid=published.uid,
        generation=published.generation,
        revision=published.revision,
        time_ns=time.time_ns(),
    )
    producer.produce(STRATEGY_STATUS.name, encode(record), f"{record.strategy}/{record.role}".encode())


answered, say_at = 0, 0.0
while True:
    for message in consumer.consume(500, 0.02):
        if message.error() is not None or message.value() is None:
            continue
        published = decoder.decode(message.value())
        for venue in {leg.venue for leg in published.config.hedge_with}:
            if venue.partition("/")[2].startswith(prefix):
                answer(published, venue)
                answered += 1
    producer.poll(0)
    if time.monotonic() >= say_at:
        print(answered, flush=True)
        say_at = time.monotonic() + SAY_EVERY_S
