"""An L2 book from a snapshot and the depth messages after it, in plain Python."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels.book_feeds import DEPTH_MESSAGE, TOUCH, Applied, Chaining, changes, records
from hedgerow.kernels.twin_levels import Levels


class TwinL2BookBuilder:
    """Levels in whole ticks and lots (see `whole`), kept by Binance's rules.

    A message that ends at or before the snapshot is stale. The first one used must link to an id at or before
    the snapshot's, each further one to exactly the id at which the one before it ended; else messages are
    missing, and the book keeps still until a new snapshot.
    """

    def __init__(self, chaining: int) -> None:
        """
        Args:
            chaining: a `Chaining`.

        Raises:
            ValueError: it is none.
        """
        if chaining not in tuple(Chaining):
            raise ValueError(f"chaining is {chaining}; it should be 1 (spot) or 2 (futures)")
        self._chaining = chaining
        self._last: int | None = None
        self._synced = False
        self._gap: str | None = None
        self._gaps = 0
        self._sides = {1: Levels(1), -1: Levels(-1)}

    @property
    def last_update_id(self) -> int | None:
        """Where the book stands; None before the first snapshot."""
        return self._last

    @property
    def gap(self) -> str | None:
        """Which messages are missing, in words, while the book waits for a new snapshot; else None."""
        return self._gap

    @property
    def gaps(self) -> int:
        """How many gaps there were."""
        return self._gaps

    @property
    def crossed(self) -> bool:
        bid, ask = self._sides[1].best(), self._sides[-1].best()
        return bid is not None and ask is not None and bid[0] >= ask[0]

    def snapshot(self, last_update_id: int, sides: Any, prices: Any, quantities: Any) -> None:
        """Begin anew from a snapshot's levels.

        Args:
            sides, prices, quantities: int64 arrays of one length; sides are 1 (bid) and -1 (ask).

        Raises:
            ValueError: an array is not as it should be; the message names it and the index.
        """
        columns = changes(sides, prices, quantities)
        self._sides = {1: Levels(1), -1: Levels(-1)}
        self._set(*columns)
        self._last = last_update_id
        self._synced = False
        self._gap = None

    def apply(
        self, first_id: int, last_id: int, previous_id: int, sides: Any, prices: Any, quantities: Any
    ) -> int:
        """Apply one depth message: each level's absolute quantity, 0 takes it away.

        Args:
            first_id, last_id, previous_id: Binance's `U`, `u` and `pu` (not looked at for spot).

        Returns:
            An `Applied`; only with `APPLIED` has the book changed.

        Raises:
            ValueError: an array is not as it should be; the message names it and the index.
        """
        columns = changes(sides, prices, quantities)
        result = self._chain(first_id, last_id, previous_id)
        if result == Applied.APPLIED:
            self._set(*columns)
        return result

    def apply_many(
        self, messages: NDArray[np.void], sides: Any, prices: Any, quantities: Any
    ) -> NDArray[np.void]:
        """Apply messages in order, and tell the touch after each.

        Args:
            messages: `DEPTH_MESSAGE` records; the rows of all of them follow each other in the other arrays.

        Returns:
            A `TOUCH` record per message.

        Raises:
            ValueError: an array is not as it should be, or the messages' rows are not as many as there are.
        """
        messages = records("messages", messages, DEPTH_MESSAGE)
        columns = changes(sides, prices, quantities)
        counts = messages["rows"]
        if (counts < 0).any() or counts.sum() != len(columns[0]):
            raise ValueError(f"the messages have {counts.sum()} rows in all, the arrays {len(columns[0])}")
        touches = np.zeros(len(messages), TOUCH)
        end = 0
        for index, (first_id, last_id, previous_id, rows) in enumerate(messages.tolist()):
            start, end = end, end + rows
            result = self._chain(first_id, last_id, previous_id)
            if result == Applied.APPLIED:
                self._set(*(column[start:end] for column in columns))
            bid = self._sides[1].best() or (0, 0)
            ask = self._sides[-1].best() or (0, 0)
            touches[index] = (*bid, *ask, result)
        return touches

    def best(self, side: int) -> tuple[int, int] | None:
        """(price, quantity) of the best level.

        Raises:
            ValueError: `side` is neither 1 nor -1.
        """
        return self._levels(side).best()

    def levels(self, side: int, limit: int) -> list[tuple[int, int]]:
        """(price, quantity) of the best levels, best first.

        Raises:
            ValueError: `side` is neither 1 nor -1.
        """
        return self._levels(side).top(limit)

    def _levels(self, side: int) -> Levels:
        if side not in (1, -1):
            raise ValueError(f"side is {side}; it should be 1 (bid) or -1 (ask)")
        return self._sides[side]

    def _set(
        self, sides: NDArray[np.int64], prices: NDArray[np.int64], quantities: NDArray[np.int64]
    ) -> None:
        for side, price, quantity in zip(sides.tolist(), prices.tolist(), quantities.tolist(), strict=True):
            self._sides[side].set(price, quantity)

    def _chain(self, first_id: int, last_id: int, previous_id: int) -> Applied:
        if self._last is None:
            return Applied.NO_SNAPSHOT
        if self._gap is not None:
            return Applied.GAP
        if not self._synced and last_id <= self._last:
            return Applied.STALE
        link = first_id - 1 if self._chaining == Chaining.SPOT else previous_id
        linked = link == self._last if self._synced else link <= self._last
        if not linked:
            self._gap = (
                f"depth message ending at update id {last_id} links to {link}, but the book stands at "
                f"{self._last}"
            )
            self._gaps += 1
            return Applied.GAP
        self._synced = True
        self._last = last_id
        return Applied.APPLIED
