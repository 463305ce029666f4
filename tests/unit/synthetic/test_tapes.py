"""Which tape stands for which instrument, and that who plays it shows what everybody shows."""

import shutil
from pathlib import Path

import pytest

from hedgerow.adapters.recorded_tape import RecordedTape
from hedgerow.adapters.synthetic.scenarios import Scenario
from hedgerow.adapters.synthetic.tape import SyntheticTape
from hedgerow.adapters.tapes import TapeSource, load_tapes
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.orders import Side
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow.streams.settings import SettingsError, read_settings
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.liquidity import Liquidity
from hedgerow_exchange.listings import paper_listings
from hedgerow_ingestion.replay import Replay

RECORDINGS = Path(__file__).parents[3] / "recordings"
START = 1_790_000_000_000_000_000
ENVIRONMENT = {
    name: "x"
    for name in (
        "HEDGEROW_KAFKA",
        "HEDGEROW_LEDGER_DSN",
        "HEDGEROW_EXCHANGE_URL",
        "HEDGEROW_KEYS_DIR",
        "HEDGEROW_RECORDINGS",
        "HEDGEROW_DATA_DIR",
    )
}


def source(recordings: Path | None = RECORDINGS, scenario: Scenario | None = None) -> TapeSource:
    return TapeSource(recordings=recordings, seed=7, interval_ns=250_000_000, scenario=scenario)


def test_recordings_stand_where_there_are_some() -> None:
    kinds = {symbol: type(tape) for symbol, tape in load_tapes(source(), LISTINGS).items()}
    assert kinds["BTC/USDT"] is kinds["BTC/USDT:USDT"] is RecordedTape
    assert kinds["NVDA/USD"] is kinds["SPX"] is kinds["SPX/USD:USD-301220"] is SyntheticTape
    assert kinds["ETH/USDT"] is kinds["ETH/USDT:USDT"]


def test_a_folder_without_recordings_is_no_reason_to_make_prices_up(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="HEDGEROW_RECORDINGS"):
        load_tapes(source(tmp_path), LISTINGS)


def test_half_an_underlying_is_no_recording_of_it(tmp_path: Path) -> None:
    for path in RECORDINGS.glob("binance_spot_btcusdt_*"):
        shutil.copy(path, tmp_path)
    with pytest.raises(FileNotFoundError, match="BTC/USDT"):
        load_tapes(source(tmp_path), LISTINGS)


@pytest.mark.parametrize("scenario", [None, Scenario.GAP])
def test_ingestion_and_the_exchange_show_the_same_book(scenario: Scenario | None) -> None:
    """Each makes its own tapes, and what the maker quotes is what ingestion sends, closed markets included."""
    listings = paper_listings()
    engine = Engine(listings, ["hedge-01"], "01234567")
    ours = load_tapes(source(None, scenario), listings)
    liquidity = Liquidity(engine, list(ours.values()), START, 1.0)
    replays = {
        symbol: Replay(tape, START, 1.0, 1e9)
        for symbol, tape in load_tapes(source(None, scenario), listings).items()
    }
    for elapsed_ms in (0, 9_900, 20_100, 29_950, 30_050, 59_000, 61_000):
        now_ns = START + elapsed_ms * 1_000_000
        liquidity.mirror(now_ns)
        for symbol, replay in replays.items():
            newest = replay.due(now_ns)[-1]
            assert isinstance(newest, BookState | MarketReset)
            assert isinstance(newest, BookState)
            quoted = [
                (float(listings[symbol].price(ticks)), float(listings[symbol].quantity(lots)))
                for ticks, lots in engine.books[symbol].levels(Side.BUY, 50)
            ]
            assert quoted == list(newest.bids)
            assert bool(quoted) is newest.valid
            assert newest.valid or newest.reason.startswith("closed")


def test_a_jump_and_a_closed_market_each_cost_what_they_last(tmp_path: Path) -> None:
    """ADR 5 on synthetic tapes: the leap of a crash is invalid once; a reopening at another price once more."""
    for scenario, jumps, closed in ((Scenario.CRASH, 1, 0), (Scenario.GAP, 1, 40)):
        (tape,) = load_tapes(source(None, scenario), ["BTC/USDT"]).values()
        replay = Replay(tape, START, 1.0, 200.0)
        states = [
            record
            for number in range(240)
            for record in replay.due(START + number * 250_000_000)
            if isinstance(record, BookState) and not record.valid
        ]
        reasons = [state.reason.split(":")[0] for state in states]
        assert (reasons.count("jump"), reasons.count("closed")) == (jumps, closed)
        assert len(reasons) == jumps + closed


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEDGEROW_SCENARIO", "boom", "calm, crash, squeeze, gap"),
        ("HEDGEROW_FEED", "recorded", "Recorded, Synthetic"),
        ("HEDGEROW_SYNTHETIC_SEED", "-1", "0 to"),
        ("HEDGEROW_SYNTHETIC_INTERVAL_MS", "1", "20 to"),
    ],
)
def test_a_setting_that_names_no_market_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}.*{said}"):
        read_settings({**ENVIRONMENT, name: value})


def test_a_scenario_makes_every_tape_synthetic() -> None:
    assert read_settings(ENVIRONMENT).tapes.recordings == Path("x")
    assert read_settings({**ENVIRONMENT, "HEDGEROW_FEED": "Synthetic"}).tapes.recordings is None
    crash = read_settings({**ENVIRONMENT, "HEDGEROW_SCENARIO": "crash"}).tapes
    assert (crash.recordings, crash.scenario) == (None, Scenario.CRASH)


@pytest.mark.parametrize("feed", ["Rest", "WebSocket"])
def test_a_scenario_beside_a_real_market_is_refused(feed: str) -> None:
    with pytest.raises(SettingsError, match=f"HEDGEROW_SCENARIO='gap'.*HEDGEROW_FEED={feed}.*unset one"):
        read_settings({**ENVIRONMENT, "HEDGEROW_SCENARIO": "gap", "HEDGEROW_FEED": feed})
