"""Cuts what Kafka hands out into batches. Pure."""

from collections.abc import Iterable, Mapping

from hedgerow.history.offsets import Partition
from hedgerow.history.writing import Batch, Message

BATCH_ROWS = 10_000
LINGER_S = 0.5


class Gathering:
    """Messages on their way into a batch.

    Args:
        was: the next offset of each partition that history has when the batch begins.
    """

    def __init__(self, was: Mapping[Partition, int]) -> None:
        self._was = dict(was)
        self._next = dict(was)
        self._messages: list[Message] = []
        self.rows = 0

    @property
    def oldest_ms(self) -> int | None:
        """When Kafka took in the oldest of them."""
        return self._messages[0].timestamp_ms if self._messages else None

    def next_offset(self, partition: Partition) -> int | None:
        """The offset that is expected next; None for a partition that is not read."""
        return self._next.get(partition)

    def add(self, messages: Iterable[Message]) -> None:
        """Take messages in. One that is behind its partition's place was taken in before and is left out."""
        for message in messages:
            if message.offset < self._next[message.partition]:
                continue
            self._next[message.partition] = message.offset + 1
            self._messages.append(message)
            self.rows += len(message.rows)

    def is_full(self, waited_s: float) -> bool:
        """Whether to wait no longer for company. `waited_s`: since the first message came."""
        return self.rows >= BATCH_ROWS or (bool(self._messages) and waited_s >= LINGER_S)

    def close(self) -> Batch:
        """The batch; gathering goes on with the one after it."""
        to = {partition: offset for partition, offset in self._next.items() if offset != self._was[partition]}
        batch = Batch(
            messages=tuple(self._messages), was={partition: self._was[partition] for partition in to}, to=to
        )
        self._was, self._messages, self.rows = dict(self._next), [], 0
        return batch
