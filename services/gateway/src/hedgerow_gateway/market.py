"""The newest quote of every instrument, from `market.enriched`."""

import asyncio
from collections.abc import Callable

import structlog

from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.records import Quote
from hedgerow.schemas.topics import MARKET_ENRICHED
from hedgerow.streams.context import Readiness
from hedgerow.streams.newest import Newest
from hedgerow.streams.tail import Tail

_log = structlog.get_logger(__name__)


class Market:
    """Quotes, newest wins. Read from now on only: what was written before is too old to trade at.

    Attributes:
        changed: set while an instrument waits to be looked at.

    Args:
        on_message, on_stale: called once for each message taken in, and for each that was no news.
    """

    def __init__(
        self,
        servers: str,
        partitions: int,
        readiness: Readiness,
        on_message: Callable[[], None],
        on_stale: Callable[[], None],
    ) -> None:
        self._on_message = on_message
        self.changed = asyncio.Event()
        self._newest: Newest[str, Quote] = Newest(on_stale)
        self._moved: set[str] = set()
        self._decoder = Decoder[Quote](Quote)
        self._tail = Tail(
            servers,
            [MARKET_ENRICHED.name],
            partitions,
            readiness,
            "market",
            lambda _, value: self.offer(value),
        )

    @property
    def reachable(self) -> bool:
        """Kafka answered the last time it was asked."""
        return self._tail.reachable

    def quote(self, symbol: str) -> Quote | None:
        return self._newest.get(symbol)

    def nudge(self, symbol: str) -> None:
        """Have the instrument looked at again."""
        self._moved.add(symbol)
        self.changed.set()

    def take_moved(self) -> set[str]:
        """The instruments that moved since the last call."""
        moved, self._moved = self._moved, set()
        self.changed.clear()
        return moved

    async def follow(self, stopping: asyncio.Event) -> None:
        """Follow the topic until asked to stop; Kafka's absences are waited out and said."""
        await self._tail.follow(stopping)

    def offer(self, value: bytes | None) -> None:
        """Take one message in. A bad one is left: the role that owns the topic makes it a dead letter."""
        try:
            quote = self._decoder.decode(value)
        except UndecodableRecord as error:
            _log.warning("quote cannot be read", cause=str(error))
            return
        # A source repeats a state under its sequence with a later time.
        if self._newest.offer(quote.instrument, (quote.sequence, quote.time_ns), quote):
            self.nudge(quote.instrument)
        self._on_message()
