"""Recorded bars and funding, read from Parquet.

Bars: `ts` (start of the bar, with its time zone), and `bid_c`, `ask_c` (the touch at its end), or `close` where only
trades were recorded. Funding: `funding_time` and `funding_rate` (a fraction, for one interval) of one perpetual.
"""

from itertools import pairwise
from pathlib import Path

import msgspec
import polars as pl

from hedgerow.backtest.scenario import BacktestError
from hedgerow.domain.instruments import LISTINGS


class Touch(msgspec.Struct, frozen=True):
    """The touch at the end of a bar."""

    time_ns: int
    bid: float
    ask: float


class Settled(msgspec.Struct, frozen=True):
    """A funding rate, and when it was paid."""

    time_ns: int
    rate: float


def read_bars(path: Path, symbol: str) -> list[Touch]:
    """The bars' ends, oldest first. A bar is as long as the shortest step between two; one that is left out changed
    nothing. Where there are only trades, the touch is taken a tick about the close.

    Raises:
        BacktestError: the file cannot be read, lacks a column, is not in order, or holds what is no price.
    """
    table = _read(path)
    tick = float(LISTINGS[symbol].tick_size)
    if {"bid_c", "ask_c"} <= set(table.columns):
        bids, asks = table["bid_c"], table["ask_c"]
    elif "close" in table.columns:
        bids, asks = table["close"] - tick, table["close"] + tick
    else:
        raise BacktestError(f"{path} has the columns {table.columns}; bars have bid_c and ask_c, or close")
    starts = _times(table, "ts", path)
    length_ns = _step(starts, path)
    touches = []
    for start_ns, bid, ask in zip(starts, bids.to_list(), asks.to_list(), strict=True):
        if not (bid is not None and ask is not None and 0 < bid < ask < float("inf")):
            raise BacktestError(
                f"{path}: the bar at {start_ns} ns has bid {bid} and ask {ask}, which is no market"
            )
        touches.append(Touch(start_ns + length_ns, bid, ask))
    return touches


def read_funding(path: Path) -> tuple[list[Settled], int]:
    """What was paid, oldest first, and the interval between two in nanoseconds.

    Raises:
        BacktestError: the file cannot be read, lacks a column, holds what is no rate, or more than one series.
    """
    table = _read(path)
    times = _times(table, "funding_time", path)
    if "funding_rate" not in table.columns or table["funding_rate"].is_finite().not_().any():
        raise BacktestError(f"{path} needs a column funding_rate of finite fractions")
    rates = table["funding_rate"].to_list()
    return [Settled(*row) for row in zip(times, rates, strict=True)], _step(times, path)


def _read(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BacktestError(f"{path} cannot be read as Parquet: {error}") from None
    if table.null_count().sum_horizontal().item():
        raise BacktestError(f"{path} holds rows without a value; leave them out")
    return table


def _times(table: pl.DataFrame, column: str, path: Path) -> list[int]:
    dtype = table.schema.get(column)
    if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
        raise BacktestError(f"{path} needs a column {column} of times with a time zone; it has {dtype}")
    return table[column].dt.epoch("ns").to_list()


def _step(times: list[int], path: Path) -> int:
    steps = [later - earlier for earlier, later in pairwise(times)]
    if not steps or min(steps) <= 0:
        raise BacktestError(
            f"{path} should hold one series of two rows or more, each later than the one before"
        )
    return min(steps)
