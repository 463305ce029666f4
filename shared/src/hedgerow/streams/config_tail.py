"""Follows the topic `strategies`: read to its end first, then as it grows."""

from collections.abc import Callable

import msgspec

from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import STRATEGIES
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.processor import RawMessage

StrategyChanged = Callable[[str, StrategyPublished | None], None]
BadMessage = Callable[[RawMessage, Exception], None]


class Generations:
    """The newest generation of each strategy. Pure.

    Within one uid a generation that is not higher is ignored; another uid is another strategy of the same name.
    """

    def __init__(self) -> None:
        self.known: dict[str, StrategyPublished] = {}

    def offer(self, strategy: str, published: StrategyPublished | None) -> bool:
        """Keep it when it is news; say whether it was."""
        known = self.known.get(strategy)
        if published is None:
            self.known.pop(strategy, None)
            return known is not None
        if known is not None and known.uid == published.uid and published.generation <= known.generation:
            return False
        self.known[strategy] = published
        return True


class ConfigTail:
    """One role's view of the strategies.

    Args:
        changed: called in the loop's thread with each new generation, or None when a strategy was taken away;
            while the topic is first read, only with what is newest at its end.
        bad: called with a message that is no generation; the last good one stays.
    """

    def __init__(self, servers: str, changed: StrategyChanged, bad: BadMessage) -> None:
        self._log = LogReader(servers, (STRATEGIES.name, 0))
        self._decoder = Decoder[StrategyPublished](StrategyPublished)
        self._generations = Generations()
        self._changed = changed
        self._bad = bad
        self._next_offset = 0

    @property
    def known(self) -> dict[str, StrategyPublished]:
        return self._generations.known

    async def open(self) -> None:
        """Read the topic to its end; the config is complete when this returns.

        Raises:
            KafkaError: the topic cannot be read.
        """
        await self._log.__aenter__()
        self._next_offset, end = await self._log.first(), await self._log.end()
        async for message in self._log.read(self._next_offset, end):
            self._apply(message)
        self._next_offset = end
        for strategy, published in list(self.known.items()):
            self._changed(strategy, published)

    async def follow(self) -> None:
        """Follow the topic until cancelled.

        Raises:
            KafkaError: the topic cannot be read any more.
        """
        async for message in self._log.follow(self._next_offset):
            strategy = self._apply(message)
            if strategy is not None:
                self._changed(strategy, self.known.get(strategy))

    async def close(self) -> None:
        await self._log.__aexit__(None, None, None)

    def _apply(self, message: RawMessage) -> str | None:
        """The strategy that the message changed, if it did."""
        try:
            strategy, published = self._read(message)
        except (UndecodableRecord, UnicodeDecodeError, msgspec.ValidationError) as error:
            self._bad(message, error)
            return None
        return strategy if self._generations.offer(strategy, published) else None

    def _read(self, message: RawMessage) -> tuple[str, StrategyPublished | None]:
        if message.key is None:
            raise UndecodableRecord("null key where namespace/name is expected")
        strategy = message.key.decode()
        if message.value is None:
            return strategy, None
        published = self._decoder.decode(message.value)
        if published.config.key != strategy:
            raise UndecodableRecord(f"keyed {strategy} but it is the config of {published.config.key}")
        return strategy, published
