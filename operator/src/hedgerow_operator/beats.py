"""Which roles nobody runs any more: their workers repeat which partitions they own, and fall silent when they die."""

import asyncio
import time
from collections.abc import Callable

import structlog
from aiokafka.errors import KafkaError

from hedgerow.schemas.acknowledging import PIPELINE
from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.records import RoleBeat
from hedgerow.schemas.topics import ROLE_BEATS
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.partitioning import partition_of
from hedgerow.streams.processor import RawMessage

_log = structlog.get_logger(__name__)
SECOND_NS = 1_000_000_000
# A dead worker's partitions move to another after some 6 s; whoever takes them has to load their state first.
SILENT_NS = 15 * SECOND_NS
LOOK_EVERY_S = 1.0
RETRY_S = 2.0

# A role, and a partition of what it owns.
Part = tuple[str, int]


class Beats:
    """When each part was last heard of. Pure but for `follow`.

    Only what was heard of once can fall silent: of the others a strategy says that it waits for them.

    Args:
        partitions: of the installation; started_ns: nothing counts as silent before this process had time to listen.
    """

    def __init__(self, partitions: int, started_ns: int) -> None:
        self._partitions, self._started_ns = partitions, started_ns
        self._heard_ns: dict[Part, int] = {}
        self._silent: frozenset[Part] = frozenset()
        self._decoder: Decoder[RoleBeat] = Decoder(RoleBeat)

    def take(self, message: RawMessage) -> None:
        """One message of the topic; what cannot be read is said and left out."""
        try:
            beat = self._decoder.decode(message.value)
        except UndecodableRecord as error:
            _log.error("unreadable beat", topic=message.topic, offset=message.offset, error=str(error))
            return
        for number in beat.partitions:
            part = beat.role, number
            self._heard_ns[part] = max(beat.time_ns, self._heard_ns.get(part, 0))

    def look(self, now_ns: int) -> frozenset[Part]:
        """Find out who is silent; the parts of which that is news."""
        silent = frozenset(
            part
            for part, heard_ns in self._heard_ns.items()
            if now_ns - max(heard_ns, self._started_ns) >= SILENT_NS
        )
        news, self._silent = silent ^ self._silent, silent
        return news

    def silent_for(self, strategy: str) -> tuple[str, ...]:
        """The roles of the pipeline that nobody runs for this strategy."""
        return tuple(sorted(role for role, number in self._silent if self._concerns(strategy, role, number)))

    def concern(self, strategy: str, parts: frozenset[Part]) -> bool:
        """Whether one of these parts runs this strategy."""
        return any(self._concerns(strategy, role, number) for role, number in parts)

    def _concerns(self, strategy: str, role: str, number: int) -> bool:
        return role in PIPELINE and number == partition_of(strategy, self._partitions)

    async def follow(self, kafka: str, changed: Callable[[frozenset[Part]], None]) -> None:
        """Read the topic and look around, until cancelled; `changed` is told of which parts there is news."""
        looking = asyncio.create_task(self._keep_looking(changed), name="beats-looking")
        try:
            while True:
                try:
                    async with LogReader(kafka, (ROLE_BEATS.name, 0)) as log:
                        async for message in log.follow(await log.first()):
                            self.take(message)
                except (KafkaError, OSError) as error:
                    _log.warning("role.beats cannot be read", error=str(error) or type(error).__name__)
                await asyncio.sleep(RETRY_S)
        finally:
            looking.cancel()

    async def _keep_looking(self, changed: Callable[[frozenset[Part]], None]) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            news = self.look(time.time_ns())
            if news:
                _log.warning(
                    "roles fell silent or spoke again", parts=sorted(news), silent=sorted(self._silent)
                )
                changed(news)
