from collections.abc import Iterator

import pytest

from hedgerow.streams.topic_making import ensure_topics
from hedgerow_local import ports
from hedgerow_local.kafka import KafkaServer


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka whose topics hold nothing but one benchmark's messages."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), *ports.free_ports(2))
    try:
        server.start()
        ensure_topics(server.bootstrap, 4)
        yield server.bootstrap
    finally:
        server.stop()
