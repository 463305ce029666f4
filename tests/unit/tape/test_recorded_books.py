"""The rebuilt books against what the venue itself published as its best bid and ask."""

from pathlib import Path

import polars as pl
import pytest

from hedgerow.adapters.recorded_tape import RecordedTape
from hedgerow.adapters.recording import load_recording
from hedgerow.analytics.orderbook import BookGap

RECORDINGS = Path(__file__).parents[3] / "recordings"
FILES = {"BTC/USDT": "binance_spot_btcusdt_20240808", "BTC/USDT:USDT": "binance_usdm_btcusdt_20240808"}
RECORDED = [*FILES, "ETH/USDT", "ETH/USDT:USDT"]


@pytest.mark.parametrize("symbol", FILES)
def test_rebuilt_touch_equals_the_recorded_book_ticker_at_every_shared_update_id(symbol: str) -> None:
    published = pl.read_parquet(RECORDINGS / f"{FILES[symbol]}_bbo.parquet")
    ticker = {
        row[0]: row[1:] for row in published.select("u", "bid", "bid_qty", "ask", "ask_qty").iter_rows()
    }
    messages = pl.read_parquet(RECORDINGS / f"{FILES[symbol]}_depth_diff.parquet").unique("recv_ns")
    update_at = dict(messages.select("recv_ns", "u").iter_rows())
    tape = RecordedTape.load(RECORDINGS, symbol)
    cursor = tape.cursor()
    compared = 0
    for index in range(1, tape.events_per_lap + 1):
        cursor.seek(0, index)
        expected = ticker.get(update_at[tape.source_time_ns(index)])
        if expected is not None:
            bids, asks = cursor.top(1)
            assert (*bids[0], *asks[0]) == expected
            compared += 1
    assert compared > 200


@pytest.mark.parametrize("symbol", RECORDED)
def test_recorded_books_are_never_crossed_and_always_deep(symbol: str) -> None:
    tape = RecordedTape.load(RECORDINGS, symbol)
    cursor = tape.cursor()
    for index in range(tape.events_per_lap + 1):
        cursor.seek(0, index)
        bids, asks = cursor.top(50)
        assert bids[0][0] < asks[0][0]
        assert len(bids) == len(asks) == 50


@pytest.mark.parametrize("symbol", FILES)
def test_a_jump_to_an_event_gives_the_same_book_as_walking_there(symbol: str) -> None:
    tape = RecordedTape.load(RECORDINGS, symbol)
    walking, jumping = tape.cursor(), tape.cursor()
    for index in range(0, tape.events_per_lap + 1):
        walking.seek(0, index)
        if index % 500 == 0:
            jumping.seek(index, index)
            assert jumping.top(5_000) == walking.top(5_000)
    jumping.seek(0, 3)
    walking.seek(1, 3)
    assert jumping.top(5_000) == walking.top(5_000)


def test_both_instruments_share_one_lap_clock() -> None:
    spot, perpetual = (RecordedTape.load(RECORDINGS, symbol) for symbol in FILES)
    assert spot.duration_ns == perpetual.duration_ns == 180_000_000_000
    assert spot.source_time_ns(0) == perpetual.source_time_ns(0)


def test_without_a_stated_session_the_window_is_what_both_recordings_share(tmp_path: Path) -> None:
    link_recordings(tmp_path)
    (tmp_path / "session.json").unlink()
    spot, perpetual = (RecordedTape.load(tmp_path, symbol) for symbol in FILES)
    assert spot.source_time_ns(0) == perpetual.source_time_ns(0) == 1723161255319702566
    assert spot.duration_ns == perpetual.duration_ns
    last_events = [tape.source_time_ns(tape.events_per_lap) for tape in (spot, perpetual)]
    assert min(last_events) < spot.source_time_ns(0) + spot.duration_ns == min(all_last_messages()) + 1


def test_an_absent_recording_is_named_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="HEDGEROW_RECORDINGS") as caught:
        RecordedTape.load(tmp_path, "BTC/USDT")
    assert str(tmp_path) in str(caught.value)


def test_two_days_of_one_instrument_are_refused_rather_than_one_chosen(tmp_path: Path) -> None:
    link_recordings(tmp_path)
    name = "binance_spot_btcusdt_20240809_depth_snapshot.parquet"
    (tmp_path / name).symlink_to(RECORDINGS / "binance_spot_btcusdt_20240808_depth_snapshot.parquet")
    with pytest.raises(ValueError, match="several recordings"):
        RecordedTape.load(tmp_path, "BTC/USDT")


@pytest.mark.parametrize("symbol", FILES)
def test_a_missing_message_is_reported_as_a_gap(symbol: str, tmp_path: Path) -> None:
    link_recordings(tmp_path)
    diffs = tmp_path / f"{FILES[symbol]}_depth_diff.parquet"
    rows = pl.read_parquet(diffs)
    middle = rows["u"][len(rows) // 2]
    diffs.unlink()
    rows.filter(pl.col("u") != middle).write_parquet(diffs)
    with pytest.raises(BookGap, match=f"links to {middle}"):
        load_recording(tmp_path, symbol)


def link_recordings(folder: Path) -> None:
    for path in RECORDINGS.iterdir():
        (folder / path.name).symlink_to(path)


def all_last_messages() -> list[int]:
    paths = (RECORDINGS / f"{name}_depth_diff.parquet" for name in FILES.values())
    return [int(pl.read_parquet(path, columns=["recv_ns"])["recv_ns"][-1]) for path in paths]
