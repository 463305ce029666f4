"""Which partitions this worker owns, and which offset of each is next."""

import asyncio
from collections.abc import Iterator

from hedgerow.streams.faust_app import Partition


class Slot:
    """One owned partition, from its assignment to its revocation.

    Attributes:
        next_offset: what the state does not yet hold; None before the first message when nothing was loaded.
        start_offset: where the group begins to read; None until somebody asked the brokers.
        saved_offset: the `next_offset` of the checkpoint that is known to be kept.
    """

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.next_offset: int | None = None
        self.start_offset: int | None = None
        self.saved_offset: int | None = None
        self._owned_and_loaded: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def usable(self) -> bool:
        """Wait for the state to be loaded; False when the partition was revoked instead."""
        future = self._owned_and_loaded
        return future.result() if future.done() else await asyncio.shield(future)

    @property
    def taken_up_to(self) -> int | None:
        """The next offset to be taken up, as far as it is known."""
        return self.start_offset if self.next_offset is None else self.next_offset

    @property
    def loaded(self) -> bool:
        return self._owned_and_loaded.done() and self._owned_and_loaded.result()

    def open(self) -> None:
        """The state is loaded: messages may be stepped."""
        if not self._owned_and_loaded.done():
            self._owned_and_loaded.set_result(True)

    def close(self) -> None:
        """Revoked: whoever waits must leave its message alone."""
        if not self._owned_and_loaded.done():
            self._owned_and_loaded.set_result(False)


class Partitions:
    """The partitions that one role of this worker owns now."""

    def __init__(self) -> None:
        self._slots: dict[Partition, Slot] = {}

    def get(self, partition: Partition) -> Slot | None:
        return self._slots.get(partition)

    def add(self, partition: Partition) -> Slot:
        slot = self._slots[partition] = Slot(partition)
        return slot

    def remove(self, partition: Partition) -> Slot | None:
        slot = self._slots.pop(partition, None)
        if slot is not None:
            slot.close()
        return slot

    def owns(self, slot: Slot) -> bool:
        """Whether this very assignment still holds."""
        return self._slots.get(slot.partition) is slot

    def all_loaded(self) -> bool:
        return all(slot.loaded for slot in self)

    def __iter__(self) -> Iterator[Slot]:
        return iter(list(self._slots.values()))
