"""The process's producer as one role sees it: what the role sends is counted under its name."""

from functools import cache

from hedgerow.streams.context import Headers, Producer
from hedgerow.streams.metrics import WorkerMetrics


class CountingProducer:
    """See `context.Producer`."""

    def __init__(self, producer: Producer, role: str, metrics: WorkerMetrics) -> None:
        self._producer = producer
        self._sent = cache(lambda topic: metrics.sent.labels(role, topic))

    def send(self, topic: str, key: str, value: bytes | None, headers: Headers) -> None:
        self._producer.send(topic, key, value, headers)
        self._sent(topic).inc()

    def flush(self, timeout_s: float) -> None:
        self._producer.flush(timeout_s)

    async def drained(self, timeout_s: float) -> None:
        await self._producer.drained(timeout_s)
