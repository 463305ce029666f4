"""The guide's plots: one for each policy, from the bundled backtest, and one of recorded funding.

Each SVG carries a digest of the numbers that it shows. Its bytes hang on the version of Matplotlib, the digest does
not, so that is what a test compares.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
import msgspec
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure

from hedgerow.backtest.bars import read_funding
from hedgerow.backtest.market import FundingHistory
from hedgerow.backtest.replay import Replay, Step
from hedgerow.hedging.funding import apr_of, worth_of

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "guide" / "plots"
FUNDING = ROOT / "recordings" / "bars" / "bybit_linear_perp_btcusdt_funding_202212.parquet"
# Of the bars: a line of 145 points is as telling as one of 721.
EVERY = 5
STYLE = {
    "svg.hashsalt": "hedgerow",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


class Panel(msgspec.Struct, frozen=True):
    """`lines`: values by label; `levels`: where something begins."""

    title: str
    lines: dict[str, list[float]]
    levels: tuple[float, ...] = ()


class Plot(msgspec.Struct, frozen=True):
    """`steps`: whether a value holds until the next; else it is a point of a course."""

    name: str
    times_ns: list[int]
    panels: list[Panel]
    steps: bool = False

    @property
    def digest(self) -> str:
        numbers = [f"{time_ns}" for time_ns in self.times_ns]
        for panel in self.panels:
            numbers += [f"{level:.6g}" for level in panel.levels]
            numbers += [f"{value:.6g}" for line in panel.lines.values() for value in line]
        return hashlib.sha256(" ".join(numbers).encode()).hexdigest()

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.svg"


def plots_of(replays: Sequence[Replay]) -> list[Plot]:
    """One for each policy, and one of funding."""
    found = {item.strategy.name: item for item in replays}
    band = found["band"].strategy.bands[0]
    ladder = found["loan-to-value"].strategy.loan_to_value
    assert ladder is not None
    leaves = float(ladder.caution.ltv - ladder.hysteresis)
    return [
        _plot(found["band"], _notionals, _profit, levels=(float(band.lower), float(band.upper))),
        _plot(found["loan-to-value"], _ltv, _hedge, _profit, levels=(leaves, float(ladder.caution.ltv))),
        _plot(found["sentiment-curve"], _notionals, _hedge, _profit),
        _plot(found["inventory-risk"], _price, _notionals, _profit),
        _funding_plot(),
    ]


def _plot(replay: Replay, *panels: Callable[[Sequence[Step]], Panel], levels: tuple[float, ...] = ()) -> Plot:
    """
    Args:
        levels: of the first panel.
    """
    steps = replay.steps[::EVERY]
    first, *rest = (panel(steps) for panel in panels)
    first = msgspec.structs.replace(first, levels=levels)
    return Plot(replay.strategy.name, [step.time_ns for step in steps], [first, *rest])


def _price(steps: Sequence[Step]) -> Panel:
    return Panel("Price of the perpetual, USD", {"": [float(step.mark) for step in steps]})


def _notionals(steps: Sequence[Step]) -> Panel:
    return Panel(
        "Net delta, USD",
        {
            "unhedged": [float(step.exposure) for step in steps],
            "hedged": [float(step.exposure + step.hedge) for step in steps],
        },
    )


def _ltv(steps: Sequence[Step]) -> Panel:
    return Panel("LTV", {"": [float(step.ltv or 0) for step in steps]})


def _hedge(steps: Sequence[Step]) -> Panel:
    return Panel("Hedge, USD", {"": [float(step.hedge) for step in steps]})


def _profit(steps: Sequence[Step]) -> Panel:
    return Panel(
        "Profit, USD",
        {
            "unhedged": [float(step.unhedged) for step in steps],
            "hedged, after fees and funding": [float(step.hedged) for step in steps],
        },
    )


def _funding_plot() -> Plot:
    settled, interval_ns = read_funding(FUNDING)
    history = FundingHistory(settled, interval_ns)
    told = [(item.time_ns, rate) for item in settled if (rate := history.told(item.time_ns)) is not None]
    panels = [
        Panel(
            "APR told, %",
            {"": [apr_of(rate.rate, interval_ns) for _, rate in told]},
            (-50.0, -10.0, 10.0, 50.0),
        ),
        Panel(
            "Left of a hedge",
            {
                "short": [worth_of(rate, -1.0, 1.0, None) for _, rate in told],
                "long": [worth_of(rate, 1.0, 1.0, None) for _, rate in told],
            },
        ),
    ]
    return Plot("funding", [time_ns for time_ns, _ in told], panels, steps=True)


def draw(plot: Plot) -> None:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 2.2 * len(plot.panels)), layout="constrained")
        axes = figure.subplots(len(plot.panels), 1, sharex=True)
        times = [datetime.fromtimestamp(time_ns / 1e9, UTC) for time_ns in plot.times_ns]
        for panel, axis in zip(plot.panels, axes, strict=True):
            for level in panel.levels:
                axis.axhline(level, color="grey", linewidth=0.8, linestyle="--")
            for label, values in panel.lines.items():
                axis.plot(
                    times, values, label=label, linewidth=1.2, drawstyle="steps-post" if plot.steps else None
                )
            axis.set_title(panel.title, loc="left", fontsize=9)
            if len(panel.lines) > 1:
                axis.legend(loc="best", fontsize=8)
        axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(axes[-1].xaxis.get_major_locator(), tz=UTC))
        figure.savefig(plot.path, format="svg", metadata={"Date": None, "Description": plot.digest})
