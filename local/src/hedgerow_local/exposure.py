"""How the net exposure moved against its band: risk's unhedged states and the ledger's fills, merged by time."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.strategy.compiled import Band, BandUnit


class RiskSample(msgspec.Struct, frozen=True, kw_only=True):
    """One usable risk state, reduced to one underlying: unhedged delta in its units, mark in the currency."""

    strategy: str
    uid: str
    generation: int
    underlying: str
    time_ns: int
    delta: Decimal
    mark: Decimal


class HedgeFill(msgspec.Struct, frozen=True, kw_only=True):
    """One fill of a hedge, when the ledger recorded it; `delta` signed, in units of the underlying."""

    uid: str
    underlying: str
    time_ns: int
    delta: Decimal


class ExposureSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy's underlying over the session; every number in the band's unit.

    Attributes:
        worst: the net exposure that was furthest outside the band, or nearest to its edge when none was.
        end: the last one; inside: whether it is within the band.
        excursions: how often the net exposure left the band.
    """

    strategy: str
    underlying: str
    unit: BandUnit
    lower: Decimal
    upper: Decimal
    worst: Decimal
    end: Decimal
    inside: bool
    excursions: int


class _Walk:
    """The net exposure from event to event."""

    def __init__(self, band: Band) -> None:
        self._band = band
        self._outside = False
        self._worst_excess: Decimal | None = None
        self.worst = self.end = ZERO
        self.excursions = 0

    def step(self, net: Decimal, mark: Decimal, band: Band) -> None:
        self._band = band
        value = net * mark if band.unit is BandUnit.NOTIONAL else net
        excess = max(value - band.upper, band.lower - value)
        if self._worst_excess is None or excess > self._worst_excess:
            self._worst_excess, self.worst = excess, value
        outside = excess > 0
        self.excursions += outside and not self._outside
        self._outside, self.end = outside, value

    def summary(self, strategy: str, underlying: str) -> ExposureSummary:
        return ExposureSummary(
            strategy=strategy,
            underlying=underlying,
            unit=self._band.unit,
            lower=self._band.lower,
            upper=self._band.upper,
            worst=self.worst,
            end=self.end,
            inside=not self._outside,
            excursions=self.excursions,
        )


def summarise(
    samples: Iterable[RiskSample],
    fills: Iterable[HedgeFill],
    bands: Mapping[tuple[str, int, str], Band],
) -> tuple[ExposureSummary, ...]:
    """One summary per strategy and underlying that risk published.

    Args:
        fills: all that the ledger holds, those from before the session included: they are the hedge it began with.
        bands: by strategy uid, generation and underlying. A sample without a band is of no concern.
    """
    by_key: dict[tuple[str, str], list[RiskSample]] = {}
    for sample in samples:
        if (sample.uid, sample.generation, sample.underlying) in bands:
            by_key.setdefault((sample.uid, sample.underlying), []).append(sample)
    fills = list(fills)
    return tuple(
        _summarise_one(
            sorted(of_key, key=lambda item: item.time_ns),
            sorted(
                (fill for fill in fills if (fill.uid, fill.underlying) == key), key=lambda item: item.time_ns
            ),
            bands,
        )
        for key, of_key in by_key.items()
    )


def _summarise_one(
    samples: list[RiskSample], fills: list[HedgeFill], bands: Mapping[tuple[str, int, str], Band]
) -> ExposureSummary:
    first = samples[0]
    walk = _Walk(bands[(first.uid, first.generation, first.underlying)])
    hedge, waiting = ZERO, iter(fills)
    fill = next(waiting, None)
    for index, sample in enumerate(samples):
        while fill is not None and fill.time_ns <= sample.time_ns:
            hedge += fill.delta
            if index:
                _step(walk, samples[index - 1], hedge, bands)
            fill = next(waiting, None)
        _step(walk, sample, hedge, bands)
    while fill is not None:
        hedge += fill.delta
        _step(walk, samples[-1], hedge, bands)
        fill = next(waiting, None)
    return walk.summary(first.strategy, first.underlying)


def _step(
    walk: _Walk, sample: RiskSample, hedge: Decimal, bands: Mapping[tuple[str, int, str], Band]
) -> None:
    band = bands[(sample.uid, sample.generation, sample.underlying)]
    walk.step(sample.delta + hedge, sample.mark, band)
