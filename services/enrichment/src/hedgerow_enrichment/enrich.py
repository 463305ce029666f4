"""Book states become quotes. Pure."""

from collections.abc import Callable, Sequence
from math import inf, isfinite

from hedgerow.analytics.measures import imbalance, mid_price, spread_bps
from hedgerow.analytics.validity import invalid_reason
from hedgerow.schemas.records import BookState, MarketReset, Quote, StrategyPublished
from hedgerow.schemas.topics import MARKET_ENRICHED
from hedgerow.streams.context import Incoming, Outgoing
from hedgerow.streams.newest import Newest

MarketRecord = BookState | MarketReset


def quote_of(record: MarketRecord) -> Quote:
    """The quote of a book state; not valid, with zeros and the reason, when the state cannot be relied on."""
    if isinstance(record, MarketReset):
        return _not_valid(record, "reset")
    if not record.valid:
        return _not_valid(record, record.reason or "marked invalid by its source, without a reason")
    reason = _distrust(record)
    return _measured(record) if reason is None else _not_valid(record, reason)


def _distrust(state: BookState) -> str | None:
    """Why a state that claims to be valid is not; jumps are the source's to judge."""
    for name in ("bid_depth_usd", "ask_depth_usd", "reach_bps", "depth_bps"):
        value = getattr(state, name)
        if not isfinite(value) or value < 0:
            return f"not usable: {name} {value}"
    return invalid_reason(state.bids, state.asks, None, inf)


def _measured(state: BookState) -> Quote:
    bid, bid_size = state.bids[0]
    ask, ask_size = state.asks[0]
    return Quote(
        instrument=state.instrument,
        underlying=state.underlying,
        sequence=state.sequence,
        time_ns=state.time_ns,
        source_time_ns=state.source_time_ns,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        mid=mid_price(bid, ask),
        spread_bps=spread_bps(bid, ask),
        imbalance=imbalance(bid_size, ask_size),
        depth_bps=state.depth_bps,
        bid_depth_usd=state.bid_depth_usd,
        ask_depth_usd=state.ask_depth_usd,
        reach_bps=state.reach_bps,
        valid=True,
        funding=state.funding,
        source=state.source,
    )


def _not_valid(record: MarketRecord, reason: str) -> Quote:
    return Quote(
        instrument=record.instrument,
        underlying=record.underlying,
        sequence=record.sequence,
        time_ns=record.time_ns,
        source_time_ns=record.source_time_ns,
        bid=0.0,
        ask=0.0,
        bid_size=0.0,
        ask_size=0.0,
        mid=0.0,
        spread_bps=0.0,
        imbalance=0.0,
        depth_bps=0.0,
        bid_depth_usd=0.0,
        ask_depth_usd=0.0,
        reach_bps=0.0,
        valid=False,
        reason=reason,
    )


class EnrichmentStepper:
    """One quote for each state that is newer than the last of its instrument.

    A source repeats a state under its sequence with a later time, so time decides between equal sequences.
    """

    def __init__(self, on_stale: Callable[[], None] = lambda: None) -> None:
        self._on_stale = on_stale
        self._known: dict[int, Newest[str, None]] = {}

    def step(self, incoming: Incoming) -> Sequence[Outgoing]:
        record: MarketRecord = incoming.record
        known = self._known.setdefault(incoming.partition, Newest(self._on_stale))
        if not known.offer(record.instrument, (record.sequence, record.time_ns), None):
            return ()
        quote = quote_of(record)
        return (Outgoing(topic=MARKET_ENRICHED.name, key=quote.underlying, record=quote, cause=incoming),)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Quotes follow states alone; time brings none."""
        return ()

    def revoke(self, topic: str, partition: int) -> None:
        """Forget what was seen of a partition: its next owner is another worker."""
        self._known.pop(partition, None)

    def strategy_changed(self, strategy: str, published: StrategyPublished | None) -> Sequence[Outgoing]:
        """Quotes are the same for every strategy."""
        return ()
