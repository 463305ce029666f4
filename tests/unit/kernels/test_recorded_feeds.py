"""Books rebuilt from real recordings equal what the venues themselves published.

The bundled slice is always there; the full recordings (`crypto_books/`) and the LOBSTER sample (`l3/`) are not.
"""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from book_streams import needs_native
from full_recordings import full_recordings
from test_book_feeds import NativeL2, NativeL3

from hedgerow.kernels.book_feeds import DEPTH_MESSAGE, ORDER_MESSAGE, Applied, Chaining, Followed, whole
from hedgerow.kernels.twin_l2 import TwinL2BookBuilder
from hedgerow.kernels.twin_l3 import TwinL3BookBuilder

SLICE = Path(__file__).parents[3] / "recordings"
BOTH = [TwinL2BookBuilder, pytest.param(NativeL2, marks=needs_native)]
# Binance counts quantities in 1e-8; a few of these are not multiples of the lot that it states.
PRICE_STEP, QUANTITY_STEP = 0.01, 1e-8


def level_columns(rows: pl.DataFrame) -> tuple[Any, Any, Any]:
    sides = np.where(rows["side"].cast(pl.String).to_numpy() == "b", 1, -1)
    return (
        sides,
        whole("prices", rows["price"].to_numpy(), PRICE_STEP),
        whole("quantities", rows["qty"].to_numpy(), QUANTITY_STEP),
    )


def rebuild(builder_class: Any, folder: Path, name: str) -> tuple[int, int]:
    """How many messages the bookTicker can be compared with, and how many of them differ."""
    chaining = Chaining.SPOT if "spot" in name else Chaining.FUTURES
    snapshot = pl.read_parquet(folder / f"{name}_depth_snapshot.parquet")
    diffs = pl.read_parquet(folder / f"{name}_depth_diff.parquet")
    grouped = diffs.group_by("u", maintain_order=True).agg(
        pl.col("U").first(), pl.col("pu").first().fill_null(0), pl.len().alias("rows")
    )
    messages = np.zeros(len(grouped), DEPTH_MESSAGE)
    for column, field in (("U", "first_id"), ("u", "last_id"), ("pu", "previous_id"), ("rows", "rows")):
        messages[field] = grouped[column].to_numpy()
    book = builder_class(chaining)
    book.snapshot(int(snapshot["last_update_id"][0]), *level_columns(snapshot))
    touches = book.apply_many(messages, *level_columns(diffs))
    assert (book.gap, book.crossed) == (None, False)
    applied = touches["result"] == Applied.APPLIED
    assert set(touches["result"][~applied].tolist()) <= {Applied.STALE}
    published = pl.read_parquet(folder / f"{name}_bbo.parquet").unique("u", keep="last", maintain_order=True)
    wanted = {
        update: row
        for update, *row in zip(
            published["u"].to_list(),
            whole("bid", published["bid"].to_numpy(), PRICE_STEP).tolist(),
            whole("bid_qty", published["bid_qty"].to_numpy(), QUANTITY_STEP).tolist(),
            whole("ask", published["ask"].to_numpy(), PRICE_STEP).tolist(),
            whole("ask_qty", published["ask_qty"].to_numpy(), QUANTITY_STEP).tolist(),
            strict=True,
        )
    }
    pairs = [
        (list(touch)[:4], wanted[update])
        for update, touch, used in zip(messages["last_id"].tolist(), touches.tolist(), applied, strict=True)
        if used and update in wanted
    ]
    return len(pairs), sum(ours != theirs for ours, theirs in pairs)


@pytest.mark.parametrize("builder_class", BOTH, ids=["twin", "native"])
@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_the_bundled_books_equal_the_recorded_best_bid_and_offer(builder_class: Any, market: str) -> None:
    compared, differing = rebuild(builder_class, SLICE, f"binance_{market}_btcusdt_20240808")
    assert compared > 200
    assert differing == 0


@needs_native
@pytest.mark.parametrize(
    "name",
    [
        "spot_btcusdt",
        "spot_ethusdt",
        "usdm_btcusdt",
        "usdm_ethusdt",
        "coinm_btcusd_perp",
        "coinm_ethusd_perp",
    ],
)
def test_every_full_recording_of_that_day_equals_its_best_bid_and_offer(name: str) -> None:
    compared, differing = rebuild(NativeL2, full_recordings("crypto_books"), f"binance_{name}_20240808")
    assert compared > 200
    assert differing == 0


def lobster() -> tuple[pl.DataFrame, pl.DataFrame]:
    folder = full_recordings("l3")
    return (
        pl.read_csv(folder / "lobster_aapl_20120621_messages.csv"),
        pl.read_csv(folder / "lobster_aapl_20120621_book10.csv"),
    )


def recorded_side(row: dict[str, Any], side: int) -> list[tuple[int, int]]:
    name = "bid" if side == 1 else "ask"
    return [(row[f"{name}_px{level}"], row[f"{name}_sz{level}"]) for level in range(1, 11)]


@pytest.mark.parametrize(
    "builder_class", [TwinL3BookBuilder, pytest.param(NativeL3, marks=needs_native)], ids=["twin", "native"]
)
def test_lobsters_top_ten_is_rebuilt_without_a_mismatch(builder_class: Any) -> None:
    """The feed only tells about the top ten, so what drops below is forgotten and what comes up is taken over."""
    messages, books = lobster()
    rows = messages.select("seq", "type", "order_id", "direction", "size", "price_e4").to_numpy()
    book, compared, risen = builder_class(), 0, 0
    known = {}
    for index, row in enumerate(books.iter_rows(named=True)):
        if index:
            following = np.array([tuple(rows[index].tolist())], ORDER_MESSAGE)
            assert book.apply_many(following)[0] in (Followed.APPLIED, Followed.NO_EFFECT)
        for side in (1, -1):
            recorded = recorded_side(row, side)
            for price, quantity in recorded:
                if index == 0 or (known[side] - price) * side > 0:
                    book.seed(side, price, quantity)
                    risen += index > 0
            assert book.levels(side, 10) == recorded
            compared += 10
            known[side] = recorded[-1][0]
            book.forget_beyond(side, known[side])
    assert (book.problems, book.gap) == (0, None)
    assert compared == 2 * 10 * len(books)
    # Most levels must have been followed rather than taken over, or nothing was tested.
    assert risen < 0.02 * compared
