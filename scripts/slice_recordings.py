"""Cut the bundled slice from the full recordings.

    python scripts/slice_recordings.py FULL_RECORDINGS_FOLDER [TARGET_FOLDER]

Keeps every row up to the end of a common window of `WINDOW_SECONDS`, unchanged: the depth messages before the
window are needed to bring each snapshot up to date. Writes the window's bounds to `session.json`.
"""

import json
import sys
from pathlib import Path

import polars as pl

WINDOW_SECONDS = 180
DAY = "20240808"
BOOK = ("depth_snapshot", "depth_diff")
# The oracle of the tests; one underlying's is enough.
MARKETS = {
    "binance_spot_btcusdt": (*BOOK, "bbo"),
    "binance_usdm_btcusdt": (*BOOK, "bbo"),
    "binance_spot_ethusdt": BOOK,
    "binance_usdm_ethusdt": BOOK,
}


def file_name(market: str, kind: str) -> str:
    return f"{market}_{DAY}_{kind}.parquet"


def slice_recordings(source: Path, target: Path) -> int:
    """Write the slice and return its size in bytes.

    Raises:
        FileNotFoundError: the source folder lacks one of the recordings.
    """
    snapshots = [pl.read_parquet(source / file_name(market, "depth_snapshot")) for market in MARKETS]
    start_ns = max(int(snapshot["recv_ns"][0]) for snapshot in snapshots)
    end_ns = start_ns + WINDOW_SECONDS * 1_000_000_000
    target.mkdir(parents=True, exist_ok=True)
    for market, kinds in MARKETS.items():
        for kind in kinds:
            rows = pl.read_parquet(source / file_name(market, kind)).filter(pl.col("recv_ns") < end_ns)
            rows.write_parquet(target / file_name(market, kind), compression="zstd", compression_level=19)
    session = json.dumps({"start_ns": start_ns, "end_ns": end_ns}, indent=2)
    (target / "session.json").write_text(session + "\n")
    return sum(path.stat().st_size for path in target.glob("*.parquet"))


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    target = Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent.parent / "recordings"
    size = slice_recordings(Path(sys.argv[1]), target)
    sys.stdout.write(f"{target}: {size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main()
