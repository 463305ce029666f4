"""The router: hands each strategy the newest of every input that it declares, and its generation.

`risk.inputs` is risk's only input, one ordered log per strategy. What is copied there: a first state, a book, a
score and an account at once; a quote after its mid moved by 1 bp, after its validity changed, or 100 ms after the last
copy; and everything known again each second, so that a lost message heals and risk's clock goes on.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from hedgerow.schemas.records import (
    AccountInput,
    AccountState,
    BookInput,
    ClientBook,
    MarkInput,
    Quote,
    RiskInput,
    Score,
    ScoreInput,
    StrategyInput,
    StrategyPublished,
)
from hedgerow.schemas.topics import MARKET_ENRICHED, RISK_INPUTS
from hedgerow.streams.context import Incoming, Outgoing
from hedgerow.streams.newest import Newest
from hedgerow.streams.partitioning import partition_of
from hedgerow_enrichment.hedged_instruments import HedgedInstruments

MOVE_BPS = 1.0
INTERVAL_NS = 100_000_000
Input = Quote | ClientBook | Score | AccountState
HEARTBEAT_NS = 1_000_000_000
# A generation that goes with repeated inputs: they move risk's clock, and it only has to heal.
TELL_NS = 5_000_000_000


class _Copied(msgspec.Struct, frozen=True):
    """What a strategy was last given of one input."""

    incoming: Incoming
    routed_ns: int


class _Route(msgspec.Struct):
    """One strategy: its generation, and what it was given.

    Attributes:
        told_ns: None while the generation must be told.
        reads: the known inputs that it declares.
    """

    published: StrategyPublished
    told_ns: int | None = None
    copied: dict[str, _Copied] = {}
    reads: dict[str, None] = {}  # a set that keeps its order

    def needs(self, record: Input) -> bool:
        config = self.published.config
        if isinstance(record, Quote):
            return record.underlying in config.priced
        if isinstance(record, Score):
            return record.asset in config.scored
        if isinstance(record, AccountState):
            return any(source.venue == record.venue for source in config.accounts)
        return any(source.book == record.name for source in config.exposure)


class Router:
    """Pure: time comes in with messages and ticks.

    Args:
        partitions: of `market.enriched`; the owner of a strategy's partition tells its generation.
        on_stale: called for each state dropped because a newer one is known.
    """

    def __init__(self, partitions: int, on_stale: Callable[[], None] = lambda: None) -> None:
        self._partitions = partitions
        self._inputs: Newest[str, Incoming] = Newest(on_stale)
        self._routes: dict[str, _Route] = {}
        # The routes that read each known input: looking through all of them at every message would make the cost of a
        # message grow with strategies that have nothing to do with it.
        self._readers: dict[str, dict[str, _Route]] = {}
        self._hedges = HedgedInstruments()
        self._gone: set[str] = set()
        self._owned: set[int] = set()
        self._now_ns: int | None = None

    def step(self, incoming: Incoming) -> Sequence[Outgoing]:
        record: Input = incoming.record
        now_ns = self._clock(incoming.received_ns)
        name = _name(record)
        if not self._inputs.offer(name, _order(record), incoming):
            return ()
        return [
            self._copy(strategy, route, incoming, now_ns, cause=incoming)
            for strategy, route in self._readers_of(name, record).items()
            if _is_due(route.copied.get(name), incoming, now_ns)
        ]

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        now_ns = self._clock(now_ns)
        outgoing = list(self._farewells(now_ns))
        for strategy, route in self._routes.items():
            outgoing += self._tell(strategy, route, now_ns)
            outgoing += self._refresh(strategy, route, now_ns)
        return outgoing

    def strategy_changed(self, strategy: str, published: StrategyPublished | None) -> Sequence[Outgoing]:
        """Route the new generation from here on. Before the first tick there is no clock: it is told then."""
        self._hedges.declare(strategy, None if published is None else published.config)
        if published is None:
            self._disconnect(strategy)
            self._gone.add(strategy)
            return () if self._now_ns is None else list(self._farewells(self._now_ns))
        self._gone.discard(strategy)
        route = self._routes.setdefault(strategy, _Route(published))
        route.published = published
        route.told_ns = None
        self._connect(strategy, route)
        if self._now_ns is None:
            return ()
        return [*self._tell(strategy, route, self._now_ns), *self._refresh(strategy, route, self._now_ns)]

    def assign(self, topic: str, partition: int) -> None:
        if topic == MARKET_ENRICHED.name:
            self._owned.add(partition)

    def revoke(self, topic: str, partition: int) -> None:
        """Forget what came from there: its next owner hands it on, and this copy would only grow old."""
        if topic == MARKET_ENRICHED.name:
            self._owned.discard(partition)
            for strategy, route in self._routes.items():
                if partition_of(strategy, self._partitions) == partition:
                    route.told_ns = None
        gone = [
            name
            for name, incoming in self._inputs.items()
            if (incoming.topic, incoming.partition) == (topic, partition)
        ]
        for name in gone:
            self._inputs.forget(name)
            for route in self._readers.pop(name, {}).values():
                route.copied.pop(name, None)
                route.reads.pop(name, None)

    def _readers_of(self, name: str, record: Input) -> dict[str, _Route]:
        """The routes that read this input; worked out when it is first seen."""
        found = self._readers.get(name)
        if found is None:
            found = {strategy: route for strategy, route in self._routes.items() if route.needs(record)}
            self._readers[name] = found
            for route in found.values():
                route.reads[name] = None
        return found

    def _connect(self, strategy: str, route: _Route) -> None:
        """Let the route be among the readers of those known inputs that it declares now, and of no others."""
        for name, readers in self._readers.items():
            incoming = self._inputs.get(name)
            if incoming is not None and route.needs(incoming.record):
                readers[strategy] = route
                route.reads[name] = None
            else:
                readers.pop(strategy, None)
                route.reads.pop(name, None)

    def _disconnect(self, strategy: str) -> None:
        route = self._routes.pop(strategy, None)
        for name in route.reads if route is not None else ():
            self._readers[name].pop(strategy)

    def _clock(self, now_ns: int) -> int:
        self._now_ns = now_ns if self._now_ns is None else max(self._now_ns, now_ns)
        return self._now_ns

    def _owns(self, strategy: str) -> bool:
        return partition_of(strategy, self._partitions) in self._owned

    def _tell(self, strategy: str, route: _Route, now_ns: int) -> Iterator[Outgoing]:
        """The generation, by its owner: at once when it is new, and then as a heartbeat."""
        interval_ns = TELL_NS if route.reads else HEARTBEAT_NS
        due = route.told_ns is None or now_ns - route.told_ns >= interval_ns
        if due and self._owns(strategy):
            route.told_ns = now_ns
            yield _outgoing(
                StrategyInput(strategy=strategy, routed_ns=now_ns, published=route.published), cause=None
            )

    def _farewells(self, now_ns: int) -> Iterator[Outgoing]:
        """Strategies that were taken away, by their owners, once."""
        for strategy in sorted(filter(self._owns, self._gone)):
            self._gone.discard(strategy)
            yield _outgoing(StrategyInput(strategy=strategy, routed_ns=now_ns, published=None), cause=None)

    def _refresh(self, strategy: str, route: _Route, now_ns: int) -> Iterator[Outgoing]:
        """What is due by time: states held back until now, and the heartbeat."""
        for name in route.reads:
            incoming = self._inputs.get(name)
            assert incoming is not None  # forgotten inputs are read by nobody
            copied = route.copied.get(name)
            if copied is None or copied.incoming is not incoming:
                if _is_due(copied, incoming, now_ns):
                    yield self._copy(strategy, route, incoming, now_ns, cause=incoming)
            elif now_ns - copied.routed_ns >= HEARTBEAT_NS:
                yield self._copy(strategy, route, incoming, now_ns, cause=None)

    def _copy(
        self, strategy: str, route: _Route, incoming: Incoming, now_ns: int, cause: Incoming | None
    ) -> Outgoing:
        record: Input = incoming.record
        route.copied[_name(record)] = _Copied(incoming, now_ns)
        if isinstance(record, Quote):
            return _outgoing(MarkInput(strategy=strategy, routed_ns=now_ns, quote=record), cause)
        if isinstance(record, Score):
            return _outgoing(ScoreInput(strategy=strategy, routed_ns=now_ns, score=record), cause)
        if isinstance(record, AccountState):
            hedges = self._hedges.on(record.venue)
            return _outgoing(
                AccountInput(strategy=strategy, routed_ns=now_ns, account=record, hedges=hedges), cause
            )
        return _outgoing(BookInput(strategy=strategy, routed_ns=now_ns, book=record), cause)


def _outgoing(record: RiskInput, cause: Incoming | None) -> Outgoing:
    return Outgoing(topic=RISK_INPUTS.name, key=record.strategy, record=record, cause=cause)


def _name(record: Input) -> str:
    if isinstance(record, Quote):
        return f"quote:{record.instrument}"
    if isinstance(record, AccountState):
        return f"account:{record.venue}"
    return f"score:{record.asset}" if isinstance(record, Score) else f"book:{record.name}"


def _order(record: Input) -> tuple[int, int]:
    """What makes a state newer. A book is repeated with its sequence and a later `published_ns`: that is news."""
    return (record.sequence, record.published_ns if isinstance(record, ClientBook) else 0)


def _is_due(copied: _Copied | None, incoming: Incoming, now_ns: int) -> bool:
    """Whether a state newer than the copied one must be handed on now."""
    if copied is None or not isinstance(incoming.record, Quote):
        return True
    before: Quote = copied.incoming.record
    quote: Quote = incoming.record
    move = abs(quote.mid - before.mid)
    return (
        quote.valid != before.valid
        or (move > 0 and move * 10_000 >= MOVE_BPS * before.mid)
        or now_ns - copied.routed_ns >= INTERVAL_NS
    )
