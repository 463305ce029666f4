"""The newest risk state of each strategy from `risk.state` itself: slower than the cache, and always the truth."""

import asyncio
import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import RISK_STATE
from hedgerow.streams.kafka_access import aiokafka_options

_log = structlog.get_logger(__name__)

# Risk repeats every live strategy's state once a second: one that was silent for longer has nothing current to say.
LOOK_BACK_S = 10.0
PATIENCE_S = 5.0
# Questions that come together share one reading.
SHARED_S = 0.5


class RiskLogAway(Exception):
    """Kafka does not tell; the message says why."""


class RiskLog:
    """Reads the end of the topic when it is asked to, and not otherwise."""

    def __init__(self, servers: str, partitions: int) -> None:
        self._servers = servers
        self._partitions = [TopicPartition(RISK_STATE.name, number) for number in range(partitions)]
        self._decoder = Decoder[RiskState](RiskState)
        self._reading = asyncio.Lock()
        self._read_s = 0.0
        self._states: dict[str, RiskState] = {}

    async def newest(self) -> dict[str, RiskState]:
        """By strategy, whatever was said in the last seconds.

        Raises:
            RiskLogAway: see there.
        """
        async with self._reading:
            if time.monotonic() - self._read_s > SHARED_S:
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        self._states = self._decoded(await self._read())
                except (KafkaError, OSError, TimeoutError) as error:
                    problem = str(error) or f"no answer within {PATIENCE_S:g} s"
                    raise RiskLogAway(f"Kafka at {self._servers} does not answer: {problem}") from error
                self._read_s = time.monotonic()
            return self._states

    async def _read(self) -> list[bytes]:
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._servers), enable_auto_commit=False, auto_offset_reset="latest"
        )
        newest: dict[bytes, bytes] = {}
        try:
            await consumer.start()
            consumer.assign(self._partitions)
            ends = await consumer.end_offsets(self._partitions)
            since_ms = int((time.time() - LOOK_BACK_S) * 1000)
            starts = await consumer.offsets_for_times(dict.fromkeys(self._partitions, since_ms))
            for partition in self._partitions:
                start = starts.get(partition)
                consumer.seek(partition, ends[partition] if start is None else start.offset)
            for partition in self._partitions:
                while await consumer.position(partition) < ends[partition]:
                    batch = await consumer.getmany(partition, timeout_ms=500)
                    # In order, so what stands last is the newest; only that is worth decoding.
                    newest.update((record.key, record.value) for record in batch.get(partition, ()))
        finally:
            await consumer.stop()
        return list(newest.values())

    def _decoded(self, values: list[bytes]) -> dict[str, RiskState]:
        states = {}
        for value in values:
            try:
                state = self._decoder.decode(value)
            except UndecodableRecord as error:
                _log.warning("risk state cannot be read", cause=str(error))
            else:
                states[state.strategy] = state
        return states
