"""The newest risk state of every strategy, and which strategies ought to be decided again."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from hedgerow.schemas.records import HedgeConcluded, StrategyPublished
from hedgerow.schemas.risk_state import RiskState
from hedgerow.streams.context import Incoming, Outgoing


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """A risk state and the message that brought it."""

    risk: RiskState
    incoming: Incoming


class NewestRisk:
    """Keeps one state per strategy; decisions are made from it by a loop of their own, never from the backlog.

    A state is older when its generation of the same strategy, or its sequence, is lower.

    Attributes:
        dirty: the longest waiting first; whether a new input dirtied it (True) or only a wake-up (False).
        gone: strategies that left this worker. Whoever remembers something of them forgets it and takes them out.
    """

    def __init__(self) -> None:
        self.states: dict[str, Newest] = {}
        self.dirty: OrderedDict[str, bool] = OrderedDict()
        self.gone: set[str] = set()
        self.wake = asyncio.Event()

    def step(self, incoming: Incoming) -> Sequence[Outgoing]:
        record = incoming.record
        if isinstance(record, HedgeConcluded):
            self.touch(record.strategy, new_input=False)
        elif isinstance(record, RiskState) and self._is_newer(record, incoming):
            self.states[record.strategy] = Newest(risk=record, incoming=incoming)
            self.touch(record.strategy, new_input=True)
        return ()

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        return ()

    def revoke(self, topic: str, partition: int) -> None:
        gone = [
            strategy
            for strategy, newest in self.states.items()
            if (newest.incoming.topic, newest.incoming.partition) == (topic, partition)
        ]
        for strategy in gone:
            self._forget(strategy)

    def strategy_changed(self, strategy: str, published: StrategyPublished | None) -> Sequence[Outgoing]:
        if published is None:
            self._forget(strategy)
        else:
            self.touch(strategy, new_input=False)
        return ()

    def touch(self, strategy: str, *, new_input: bool) -> None:
        """Have a strategy decided again, if its state is here."""
        if strategy in self.states:
            self.dirty[strategy] = self.dirty.get(strategy, False) or new_input
            self.wake.set()

    def drop(self, strategy: str, useless: Newest) -> None:
        """Nothing is decided on this state any more; one that came meanwhile stays."""
        if self.states.get(strategy) is useless:
            del self.states[strategy]

    def _forget(self, strategy: str) -> None:
        self.states.pop(strategy, None)
        self.dirty.pop(strategy, None)
        self.gone.add(strategy)
        self.wake.set()

    def _is_newer(self, record: RiskState, incoming: Incoming) -> bool:
        known = self.states.get(record.strategy)
        if known is None or known.risk.uid != record.uid or known.incoming.partition != incoming.partition:
            return True
        return record.sequence > known.risk.sequence
