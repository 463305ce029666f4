"""Reads one instrument's recorded order book from Parquet: a snapshot and the depth messages after it."""

import json
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

import msgspec
import polars as pl

from hedgerow.analytics.orderbook import BookGap, DiffChain
from hedgerow.domain.instruments import Instrument, find_instrument

_MARKETS = ("spot", "usdm")


class Window(msgspec.Struct, frozen=True):
    """The span that every instrument of a session has recorded: from `start_ns` up to, not with, `end_ns`."""

    start_ns: int
    end_ns: int


class SideChanges(msgspec.Struct, frozen=True):
    """Absolute quantities of one side in recorded order; message `i` ends before row `ends[i]`.

    Message 0 is the snapshot.
    """

    prices: list[float]
    quantities: list[float]
    ends: list[int]


class Recording(msgspec.Struct, frozen=True):
    """A snapshot (message 0) and the depth messages that follow it without a gap.

    Attributes:
        recv_ns: when each message was received, ascending; that of message 0 is the snapshot's.
        known_low, known_high: the price range that the snapshot held.
    """

    instrument: Instrument
    recv_ns: list[int]
    bids: SideChanges
    asks: SideChanges
    known_low: float
    known_high: float


def is_recorded(folder: Path, instrument: Instrument) -> bool:
    """Whether the folder holds a recording of the instrument's pair, be it spot or futures."""
    return any(next(folder.glob(_pattern(market, instrument)), None) for market in _MARKETS)


def load_recording(folder: Path, symbol: str) -> Recording:
    """Read a recording and check that its depth messages chain.

    Raises:
        KeyError: the symbol is not listed.
        FileNotFoundError: the folder holds no recording of it.
        BookGap: depth messages are missing in the file.
        ValueError: the file is not ordered by time of receipt.
    """
    instrument = find_instrument(symbol)
    market = _MARKETS[0] if instrument.settle is None else _MARKETS[1]
    snapshot_path = _find(folder, market, instrument)
    snapshot = pl.read_parquet(snapshot_path)
    diffs_path = _diffs_of(snapshot_path)
    diffs = pl.read_parquet(diffs_path)
    messages = _chained_messages(diffs, market, int(snapshot["last_update_id"][0]), diffs_path)
    diffs = diffs.filter(pl.col("u").is_in(messages["u"].implode()))
    recv_ns = [int(snapshot["recv_ns"][0]), *messages["recv_ns"].to_list()]
    if not messages["recv_ns"].is_sorted():
        raise ValueError(f"{diffs_path}: depth messages are not in the order in which they were received")
    return Recording(
        instrument,
        recv_ns,
        _changes(snapshot, diffs, messages["bid_rows"], "b"),
        _changes(snapshot, diffs, messages["ask_rows"], "a"),
        known_low=_prices(snapshot, "b")[-1],
        known_high=_prices(snapshot, "a")[-1],
    )


def common_window(folder: Path, symbol: str) -> Window:
    """The span shared by the recordings of the symbol's pair, spot and futures.

    A slice states it in `session.json`; full recordings share what lies between the later snapshot and the
    earlier end.

    Raises:
        KeyError: the symbol is not listed.
        FileNotFoundError: a recording of the pair is missing.
        ValueError: `session.json` is not readable, or the recordings do not overlap.
    """
    instrument = find_instrument(symbol)
    stated = folder / "session.json"
    if stated.exists():
        window = _read_window(stated)
    else:
        snapshots = [_find(folder, market, instrument) for market in _MARKETS]
        starts = [_bounds(path)[0] for path in snapshots]
        ends = [_bounds(_diffs_of(path))[1] for path in snapshots]
        window = Window(max(starts), min(ends) + 1)
    if window.end_ns <= window.start_ns:
        raise ValueError(f"{folder}: the recordings of {symbol} share no span of time ({window})")
    return window


def _read_window(path: Path) -> Window:
    try:
        return msgspec.convert(json.loads(path.read_text()), Window)
    except ValueError as error:
        raise ValueError(f'{path}: expected {{"start_ns": …, "end_ns": …}}: {error}') from error


def _pattern(market: str, instrument: Instrument) -> str:
    return f"binance_{market}_{(instrument.base + instrument.quote).lower()}_*_depth_snapshot.parquet"


def _find(folder: Path, market: str, instrument: Instrument) -> Path:
    pattern = _pattern(market, instrument)
    found = sorted(folder.glob(pattern))
    if not found:
        raise FileNotFoundError(
            f"no recording of {instrument.symbol}: {folder} holds no {pattern}; set HEDGEROW_RECORDINGS to a "
            "folder of recordings (`recordings/` in this project holds one)"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"{folder} holds several recordings of {instrument.symbol}: {names}; keep one")
    if not _diffs_of(found[0]).exists():
        raise FileNotFoundError(f"{found[0].name} has no depth messages beside it: {_diffs_of(found[0])}")
    return found[0]


def _diffs_of(snapshot: Path) -> Path:
    return snapshot.with_name(snapshot.name.replace("_depth_snapshot", "_depth_diff"))


def _bounds(path: Path) -> tuple[int, int]:
    column = pl.read_parquet(path, columns=["recv_ns"])["recv_ns"]
    return int(column.min()), int(column.max())  # type: ignore[arg-type]


def _chained_messages(diffs: pl.DataFrame, market: str, snapshot_id: int, path: Path) -> pl.DataFrame:
    """One row per message that follows the snapshot, with how many bid and ask rows it has."""
    link = pl.col("U").first() - 1 if market == "spot" else pl.col("pu").first()
    messages = diffs.group_by("u", maintain_order=True).agg(
        pl.col("recv_ns").first(),
        link.alias("link"),
        (pl.col("side") == "b").sum().alias("bid_rows"),
        (pl.col("side") == "a").sum().alias("ask_rows"),
    )
    chain = DiffChain(snapshot_id)
    try:
        accepted = [chain.accept(*ids) for ids in messages.select("link", "u").iter_rows()]
    except BookGap as gap:
        raise BookGap(f"{path}: {gap}") from gap
    return messages.filter(pl.Series(accepted, dtype=pl.Boolean))


def _changes(snapshot: pl.DataFrame, diffs: pl.DataFrame, rows: Iterable[int], side: str) -> SideChanges:
    first = snapshot.filter(pl.col("side") == side)
    later = diffs.filter(pl.col("side") == side)
    return SideChanges(
        prices=first["price"].to_list() + later["price"].to_list(),
        quantities=first["qty"].to_list() + later["qty"].to_list(),
        ends=list(accumulate(rows, initial=len(first))),
    )


def _prices(snapshot: pl.DataFrame, side: str) -> list[float]:
    """Best first."""
    prices = snapshot.filter(pl.col("side") == side)["price"]
    return prices.sort(descending=side == "b").to_list()
