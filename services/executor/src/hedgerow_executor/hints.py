"""Whether Kafka answers. It carries hints and acknowledgements only: orders, cancels and halts go on without it."""

import asyncio

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from hedgerow.streams.context import Context
from hedgerow.streams.kafka_access import librdkafka_options
from hedgerow.streams.sender import client_log

_log = structlog.get_logger()
EVERY_S = 2.0
TIMEOUT_S = 2.0


class KafkaProbe:
    """While Kafka does not answer nothing is queued for it: what cannot be delivered in time would end the process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._client = AdminClient({**librdkafka_options(context.settings.kafka), "logger": client_log})
        self.reachable = False

    async def loop(self) -> None:
        """Keep asking until told to stop."""
        while not self._context.stopping.is_set():
            detail = await asyncio.to_thread(self._ask)
            if (detail is None) is not self.reachable:
                _log.warning("Kafka", reachable=detail is None, detail=detail)
            self.reachable = detail is None
            self._context.readiness.set("kafka", self.reachable, detail or "", outage=True)
            await asyncio.sleep(EVERY_S)

    def _ask(self) -> str | None:
        try:
            self._client.list_topics(timeout=TIMEOUT_S)
        except KafkaException as error:
            return f"Kafka at {self._context.settings.kafka} does not answer: {error.args[0].str()}"
        return None
