"""Recorded prices and funding as one course of moments."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from hedgerow.backtest.bars import Settled, Touch, read_bars, read_funding
from hedgerow.backtest.scenario import BacktestError, Scenario
from hedgerow.domain.instruments import LISTINGS
from hedgerow.schemas.records import Funding

DAY_NS = 86_400_000_000_000


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a bar: the newest touch of each instrument. `until_ns`: of the next moment."""

    time_ns: int
    until_ns: int
    touches: Mapping[str, Touch]


class FundingHistory:
    """What one perpetual's longs paid its shorts."""

    def __init__(self, settled: list[Settled], interval_ns: int) -> None:
        self._settled = settled
        self._times = [item.time_ns for item in settled]
        self._interval_ns = interval_ns

    def told(self, now_ns: int) -> Funding | None:
        """What the venue tells at this time: the rate that is paid next; None when the history has ended."""
        number = bisect_right(self._times, now_ns)
        if number == len(self._settled):
            return None
        first = bisect_right(self._times, now_ns - DAY_NS)
        return Funding(
            rate=self._settled[number].rate,
            interval_ns=self._interval_ns,
            settled=tuple(item.rate for item in self._settled[first:number]),
            time_ns=now_ns,
        )

    def paid(self, after_ns: int, until_ns: int) -> Iterator[Settled]:
        """What was paid after the one time, up to the other."""
        yield from self._settled[bisect_right(self._times, after_ns) : bisect_right(self._times, until_ns)]


class Market(msgspec.Struct, frozen=True):
    """Recorded touches and funding, by instrument."""

    touches: dict[str, list[Touch]]
    funding: dict[str, FundingHistory]

    def moments(self) -> Iterator[Moment]:
        """From the first time at which every instrument has a price to the last at which none has ended.

        Raises:
            BacktestError: the bars share no span of time.
        """
        first_ns = max(series[0].time_ns for series in self.touches.values())
        last_ns = min(series[-1].time_ns for series in self.touches.values())
        ends = {touch.time_ns for series in self.touches.values() for touch in series}
        times = sorted(time_ns for time_ns in ends if first_ns <= time_ns <= last_ns)
        if len(times) < 2:
            raise BacktestError(f"the bars of {', '.join(sorted(self.touches))} share no span of time")
        at = {symbol: [touch.time_ns for touch in series] for symbol, series in sorted(self.touches.items())}
        for time_ns, until_ns in zip(times, [*times[1:], 2 * times[-1] - times[-2]], strict=True):
            newest = {
                symbol: series[bisect_right(at[symbol], time_ns) - 1]
                for symbol, series in self.touches.items()
            }
            yield Moment(time_ns=time_ns, until_ns=until_ns, touches=newest)


def read_market(scenario: Scenario, folder: Path) -> Market:
    """The recordings that a scenario names, seen from its folder.

    Raises:
        BacktestError: an instrument is not listed, or a file cannot be used.
    """
    unknown = sorted((scenario.bars.keys() | scenario.funding.keys()) - LISTINGS.keys())
    if unknown or not scenario.bars:
        raise BacktestError(
            f"the scenario's bars are of {', '.join(unknown) or 'nothing'}; listed are {', '.join(sorted(LISTINGS))}"
        )
    return Market(
        {symbol: read_bars(folder / name, symbol) for symbol, name in scenario.bars.items()},
        {symbol: FundingHistory(*read_funding(folder / name)) for symbol, name in scenario.funding.items()},
    )
