"""I6 for risk: every state that was said is what stepping its inputs says, byte for byte."""

import msgspec

from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import RiskInput
from hedgerow.schemas.topics import RISK_INPUTS, RISK_STATE
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.processor import RawMessage


class RiskReplay:
    """One partition, followed from its first message; each look goes on where the one before ended.

    Attributes:
        states: that were said and compared so far.
    """

    def __init__(self, kafka: str, partition: int) -> None:
        self.states = 0
        self._kafka, self._partition = kafka, partition
        self._decoder: Decoder[RiskInput] = Decoder(RiskInput)
        self._risk = PartitionRisk()
        self._replayed: dict[int, int] = {}
        self._next = {RISK_INPUTS.name: 0, RISK_STATE.name: 0}

    async def news(self) -> list[str]:
        """What was said since the last look and differs from its replay."""
        # States first: inputs go on arriving, and what is said of them later is compared later.
        said = await self._read(RISK_STATE.name)
        for message in await self._read(RISK_INPUTS.name):
            state = self._risk.apply(self._decoder.decode(message.value), message.offset)
            if state is not None:
                self._replayed[message.offset] = hash(encode(state))
        self.states += len(said)
        return [
            f"partition {self._partition}, state {sequence}"
            for message in said
            for sequence in [_sequence(message)]
            if self._replayed.get(sequence) != hash(message.value)
        ]

    async def _read(self, topic: str) -> list[RawMessage]:
        async with LogReader(self._kafka, (topic, self._partition)) as reader:
            first, end = max(self._next[topic], await reader.first()), await reader.end()
            messages = [message async for message in reader.read(first, end)]
        self._next[topic] = max(first, end)
        return messages


def _sequence(message: RawMessage) -> int:
    assert message.value is not None
    return int(msgspec.json.decode(message.value)["sequence"])
