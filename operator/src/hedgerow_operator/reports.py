"""What roles said about strategies: who runs which generation, and where each stands. Read from `strategy.status`."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog
from aiokafka.errors import KafkaError

from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.records import Acknowledgement, StrategyReport, StrategyState
from hedgerow.schemas.topics import STRATEGY_STATUS
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.processor import RawMessage

_log = structlog.get_logger(__name__)
RETRY_S = 2.0


class _Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """The roles without which one generation is not ready."""

    uid: str
    generation: int
    roles: frozenset[str]


class Reports:
    """The newest of each strategy and role.

    Args:
        changed: called with a strategy's `namespace/name` when something new was said of it.
    """

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._acknowledged: dict[str, dict[str, Acknowledgement]] = {}
        self._awaited: dict[str, _Awaited] = {}
        self._states: dict[str, StrategyState] = {}
        self._decoder: Decoder[StrategyReport] = Decoder(StrategyReport)

    def roles(self, strategy: str, uid: str, generation: int) -> frozenset[str]:
        """The roles that run exactly this generation."""
        return frozenset(
            role
            for role, item in self._acknowledged.get(strategy, {}).items()
            if (item.uid, item.generation) == (uid, generation)
        )

    def await_roles(self, strategy: str, uid: str, generation: int, roles: frozenset[str]) -> None:
        """Until every one of them runs this generation, nothing that a role acknowledges is news of the strategy."""
        self._awaited[strategy] = _Awaited(uid=uid, generation=generation, roles=roles)

    def state(self, strategy: str) -> StrategyState | None:
        return self._states.get(strategy)

    def forget(self, strategy: str) -> None:
        """The strategy is gone."""
        self._acknowledged.pop(strategy, None)
        self._awaited.pop(strategy, None)
        self._states.pop(strategy, None)

    def take(self, message: RawMessage) -> None:
        """One message of the topic; what cannot be read is said and left out."""
        if message.value is None:
            return
        try:
            record = self._decoder.decode(message.value)
        except UndecodableRecord as error:
            _log.error("unreadable report", topic=message.topic, offset=message.offset, error=str(error))
            return
        if isinstance(record, Acknowledgement):
            self._acknowledged.setdefault(record.strategy, {})[record.role] = record
            if self._is_awaited(record.strategy):
                return
        else:
            self._states[record.strategy] = record
        self._changed(record.strategy)

    def _is_awaited(self, strategy: str) -> bool:
        """Whether a role is still missing. Told once that none is: what comes then may be of another generation."""
        awaited = self._awaited.get(strategy)
        if awaited is None:
            return False
        if not awaited.roles <= self.roles(strategy, awaited.uid, awaited.generation):
            return True
        del self._awaited[strategy]
        return False

    async def follow(self, kafka: str) -> None:
        """Read the topic from its beginning and on, until cancelled; an absent Kafka is waited for."""
        while True:
            try:
                async with LogReader(kafka, (STRATEGY_STATUS.name, 0)) as log:
                    async for message in log.follow(await log.first()):
                        self.take(message)
            except (KafkaError, OSError) as error:
                _log.warning("strategy.status cannot be read", error=str(error) or type(error).__name__)
            await asyncio.sleep(RETRY_S)
