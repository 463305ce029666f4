"""A tape that nobody recorded: a pure function of seed, instrument and scenario, so all who play it show one book."""

from decimal import Decimal
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hedgerow.adapters.synthetic.lap import make_lap
from hedgerow.adapters.synthetic.models import BOOKS, Book
from hedgerow.adapters.synthetic.scenarios import Scenario
from hedgerow.adapters.tape import Tape
from hedgerow.analytics.measures import BPS, Depth, depth
from hedgerow.analytics.orderbook import Level, OrderBook
from hedgerow.domain.instruments import Instrument

LEVELS = 50
# When a lap begins on the tape's own clock: New York's opening on the day of the recordings.
OPENING_NS = 1_723_123_800_000_000_000

_NOISES = 4_093
_NOISE_SD = 0.4
# A level keeps its size for this many events.
_SIZE_EVENTS = 4
# How much larger each level is than the one before it, as a fraction of the best.
_GROWTH = 0.05
_BASIS_SD_BPS = 0.5
# Of the basis, from one event to the next.
_BASIS_MEMORY = 0.99


class SyntheticTape(Tape):
    """A lap of one instrument: its underlying's prices plus a small basis, and a seeded ladder around them."""

    def __init__(
        self, instrument: Instrument, seed: int, interval_ns: int, scenario: Scenario | None
    ) -> None:
        """
        Raises:
            KeyError: there is no model of this instrument.
        """
        self._lap = make_lap(instrument.underlying, seed, interval_ns, scenario)
        events = len(self._lap.prices)
        super().__init__(
            instrument, OPENING_NS, self._lap.duration_ns, range(0, events * interval_ns, interval_ns)
        )
        self._listing = instrument
        self._book = BOOKS[instrument.symbol]
        random = np.random.default_rng([seed, *instrument.symbol.encode()])
        self._noises = np.exp(_NOISE_SD * random.standard_normal(_NOISES) - _NOISE_SD**2 / 2)
        self._mids = self._lap.prices * np.exp(_basis_bps(self._book, events, random) / BPS)
        self._ranks = np.arange(LEVELS)

    @property
    def contract_size(self) -> float:
        return float(self._listing.contract_size)

    def cursor(self) -> "SyntheticCursor":
        return SyntheticCursor(self)

    def closed(self, index: int) -> str | None:
        """Why there is no market at this event; None while there is one."""
        return self._lap.closed_reason if self._lap.closed[index] else None

    def levels(self, index: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks at this event, best first; none while the market is closed."""
        if self.closed(index) is not None:
            return [], []
        mid, tick = float(self._mids[index]), float(self._listing.tick_size)
        depth_factor = float(self._lap.depth[index])
        spread = max(1, round(mid * self._book.spread_bps / BPS / depth_factor / tick))
        gap = max(1, round(mid * self._book.gap_bps / BPS / tick))
        bid = round(mid / tick - spread / 2)
        return (
            self._side(index, bid - gap * self._ranks, depth_factor),
            self._side(index, bid + spread + gap * self._ranks, depth_factor),
        )

    def _side(self, index: int, ticks: NDArray[np.int64], depth_factor: float) -> list[Level]:
        listing, lot = self._listing, float(self._listing.lot_size)
        prices = np.round(ticks * float(listing.tick_size), _decimals(listing.tick_size))
        noise = self._noises[(ticks * 31 + index // _SIZE_EVENTS) % _NOISES]
        usd = self._book.level_usd * depth_factor * (1 + _GROWTH * self._ranks) * noise
        lots = np.maximum(1, usd // (prices * self.contract_size * lot))
        quantities = np.round(lots * lot, _decimals(listing.lot_size))
        return list(zip(prices.tolist(), quantities.tolist(), strict=True))


class SyntheticCursor:
    """A book that stands anywhere on a synthetic tape at the same small cost."""

    def __init__(self, tape: SyntheticTape) -> None:
        self._tape = tape
        self._size = tape.contract_size
        self.seek(0, 0)

    @property
    def closed(self) -> str | None:
        return self._tape.closed(self.index)

    def seek(self, lap: int, index: int) -> None:
        """See `TapeCursor`."""
        self._tape.check_index(index)
        self.lap, self.index = lap, index
        self._bids, self._asks = self._tape.levels(index)

    def top(self, levels: int = LEVELS) -> tuple[list[Level], list[Level]]:
        return self._bids[:levels], self._asks[:levels]

    def depth(self, bps: float) -> Depth:
        per_contract = depth(OrderBook.from_snapshot(self._bids, self._asks), bps)
        return Depth(
            bps=bps,
            bid_usd=per_contract.bid_usd * self._size,
            ask_usd=per_contract.ask_usd * self._size,
            reach_bps=per_contract.reach_bps,
        )


def _basis_bps(book: Book, events: int, random: np.random.Generator) -> NDArray[np.float64]:
    """How far a contract stands above its underlying: near its mean, remembering where it was. Cash has none."""
    if book.basis_bps == 0:
        return np.zeros(events)
    shocks = _BASIS_SD_BPS * np.sqrt(1 - _BASIS_MEMORY**2) * random.standard_normal(events)
    walk = accumulate(shocks.tolist(), lambda before, shock: _BASIS_MEMORY * before + shock)
    return book.basis_bps + np.array(list(walk))


def _decimals(step: Decimal) -> int:
    return max(0, -int(step.as_tuple().exponent))
