"""A book becomes the state that goes out, and when. Shared by every feed. Pure: the clock comes in."""

from collections.abc import Callable, Sequence

from hedgerow.analytics.measures import Depth
from hedgerow.analytics.orderbook import Level
from hedgerow.analytics.validity import invalid_reason, seen_mid
from hedgerow.domain.price_sources import TAPE
from hedgerow.schemas.records import BookState

LEVELS = 50
DEPTH_BPS = 20.0
CONFLATION_NS = 20_000_000
HEARTBEAT_NS = 500_000_000


class StateBuilder:
    """Judges one instrument's books, each against the one before it, and writes them down as states."""

    def __init__(self, instrument: str, underlying: str, max_jump_bps: float, source: str = TAPE) -> None:
        """`source`: where the books come from, in the words of `domain.price_sources`."""
        self._source = source
        self.instrument = instrument
        self.underlying = underlying
        self._max_jump_bps = max_jump_bps
        self._seen_mid: float | None = None

    def forget(self) -> None:
        """The next book is not compared with the last one."""
        self._seen_mid = None

    def judged(
        self,
        sequence: int,
        time_ns: int,
        source_time_ns: int,
        bids: Sequence[Level],
        asks: Sequence[Level],
        depth: Callable[[], Depth],
        closed: str | None = None,
    ) -> BookState:
        """The state of this book, invalid where it cannot be relied on.

        Args:
            bids, asks: best first; what is beyond the first 50 is judged too.
            depth: measures the whole book; asked only when it is valid.
            closed: why there is no market, whatever the book.
        """
        reason = closed or invalid_reason(bids, asks, self._seen_mid, self._max_jump_bps)
        self._seen_mid = seen_mid(bids, asks, self._seen_mid)
        if reason is not None:
            return self.invalid(sequence, time_ns, source_time_ns, reason)
        measured = depth()
        return BookState(
            instrument=self.instrument,
            underlying=self.underlying,
            sequence=sequence,
            time_ns=time_ns,
            source_time_ns=source_time_ns,
            bids=tuple(bids[:LEVELS]),
            asks=tuple(asks[:LEVELS]),
            depth_bps=DEPTH_BPS,
            bid_depth_usd=measured.bid_usd,
            ask_depth_usd=measured.ask_usd,
            reach_bps=measured.reach_bps,
            valid=True,
            source=self._source,
        )

    def invalid(self, sequence: int, time_ns: int, source_time_ns: int, reason: str) -> BookState:
        """It carries no levels: numbers that must not be used, or that JSON cannot hold."""
        return BookState(
            instrument=self.instrument,
            underlying=self.underlying,
            sequence=sequence,
            time_ns=time_ns,
            source_time_ns=source_time_ns,
            bids=(),
            asks=(),
            depth_bps=DEPTH_BPS,
            bid_depth_usd=0.0,
            ask_depth_usd=0.0,
            reach_bps=0.0,
            valid=False,
            reason=reason,
            source=self._source,
        )


class Pace:
    """When a state may go out: a change at most every 20 ms, the newest again after 500 ms."""

    def __init__(self) -> None:
        self._sent_ns = 0

    def sent(self, now_ns: int) -> None:
        self._sent_ns = now_ns

    def clock_is(self, now_ns: int) -> None:
        """Nothing was sent later than now: a clock that stepped back must not silence a live feed."""
        self._sent_ns = min(self._sent_ns, now_ns)

    def change_due_ns(self) -> int:
        return self._sent_ns + CONFLATION_NS

    def repeat_due_ns(self) -> int:
        return self._sent_ns + HEARTBEAT_NS
