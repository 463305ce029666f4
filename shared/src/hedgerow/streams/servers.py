"""Waits for the servers a worker needs, says which one is away and where, and keeps looking."""

import asyncio

import structlog
from confluent_kafka import KafkaException

from hedgerow.schemas.topics import TOPICS
from hedgerow.streams.context import Role, StreamRole
from hedgerow.streams.lifeline import Lifeline
from hedgerow.streams.producer import KafkaProducer
from hedgerow.streams.readiness import Conditions
from hedgerow.streams.settings import Settings
from hedgerow.streams.topic_making import TopicsUnusable

_log = structlog.get_logger(__name__)

_PROBE_TIMEOUT_S = 3.0
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 5.0
_LOOK_EVERY_S = 5.0


class KafkaWatch:
    """Keeps the process's conditions `kafka` and `topics` true to what the cluster answers."""

    def __init__(
        self,
        settings: Settings,
        roles: list[Role],
        producer: KafkaProducer,
        conditions: Conditions,
        lifeline: Lifeline,
    ) -> None:
        self._settings = settings
        self._wanted = wanted_topics(roles, settings.partitions)
        self._producer = producer
        self._conditions = conditions
        self._lifeline = lifeline

    async def wait(self) -> None:
        """Return when Kafka answers and every topic that the roles read is there, or when the worker stops.

        Raises:
            TopicsUnusable: see there.
        """
        wait_s = _FIRST_RETRY_S
        while not self._lifeline.stopping.is_set():
            if await self._look():
                return
            _log.warning(
                "waiting for Kafka",
                address=self._settings.kafka,
                next_try_s=wait_s,
                **self._conditions.missing(Conditions.PROCESS),
            )
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_RETRY_S)

    async def watch(self) -> None:
        """Keep looking until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self._look()

    async def _look(self) -> bool:
        try:
            found = await asyncio.to_thread(self._producer.topic_partitions, _PROBE_TIMEOUT_S)
        except KafkaException as error:
            detail = f"Kafka at {self._settings.kafka} does not answer: {error.args[0].str()}"
            self._conditions.set(Conditions.PROCESS, "kafka", False, detail, outage=True)
            return False
        self._conditions.set(Conditions.PROCESS, "kafka", True)
        missing = sorted(name for name in self._wanted if name not in found)
        for name, partitions in self._wanted.items():
            if name in found and found[name] != partitions:
                raise TopicsUnusable(
                    f"topic {name} has {found[name]} partitions, HEDGEROW_PARTITIONS asks for {partitions}; "
                    "the number is fixed for the life of an installation"
                )
        detail = f"Kafka at {self._settings.kafka} has no topic {', '.join(missing)}" if missing else ""
        self._conditions.set(Conditions.PROCESS, "topics", not missing, detail, outage=True)
        return not missing


def wanted_topics(roles: list[Role], partitions: int) -> dict[str, int]:
    """The topics that these roles read, and how many partitions each must have."""
    shapes = {topic.name: partitions if topic.partitioned else 1 for topic in TOPICS}
    return {
        subscription.topic: shapes[subscription.topic]
        for role in roles
        if isinstance(role, StreamRole)
        for subscription in role.subscriptions
    }
