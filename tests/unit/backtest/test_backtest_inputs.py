"""What a backtest refuses, and that it says what, where and what would be right."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hedge_examples as example
import msgspec
import polars as pl
import pytest
from backtest_examples import MINUTE_NS, PERPETUAL, SPOT, busy, market, played, scenario

from hedgerow.backtest.bars import Settled, read_bars, read_funding
from hedgerow.backtest.market import FundingHistory
from hedgerow.backtest.scenario import BacktestError, read_scenario
from hedgerow.cli.backtest import play
from hedgerow.cli.exits import Refused, UsageError
from hedgerow.strategy.compiled import Escalation

ROOT = Path(__file__).resolve().parents[3]
STRATEGIES = ROOT / "recordings" / "bars" / "strategies.yaml"
BARS = STRATEGIES.parent / "bybit_linear_perp_btcusdt_1m_20221213_quote.parquet"
CLIENTS = {"book": "clients", "instrument": "BTC/USDT", "per_hour": 20, "largest": "1"}
START = datetime(2022, 12, 13, tzinfo=UTC)
MINUTES = [START + timedelta(minutes=number) for number in (0, 1, 3)]


def written(folder: Path, **columns: list[Any]) -> Path:
    path = folder / "file.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return path


def test_a_bar_is_known_at_its_end_and_a_close_has_a_tick_about_it(tmp_path: Path) -> None:
    start_ns = int(START.timestamp()) * example.SECOND_NS
    quoted = read_bars(written(tmp_path, ts=MINUTES, bid_c=[1.0, 2.0, 3.0], ask_c=[1.5, 2.5, 3.5]), PERPETUAL)
    assert [touch.time_ns - start_ns for touch in quoted] == [MINUTE_NS, 2 * MINUTE_NS, 4 * MINUTE_NS]
    traded = read_bars(written(tmp_path, ts=MINUTES, close=[10.0, 11.0, 12.0]), PERPETUAL)
    assert (traded[0].bid, traded[0].ask) == (9.9, 10.1)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"ts": MINUTES, "price": [1.0, 2.0, 3.0]}, "bars have bid_c and ask_c, or close"),
        ({"ts": [1, 2, 3], "close": [1.0, 2.0, 3.0]}, "needs a column ts of times with a time zone"),
        ({"ts": MINUTES[::-1], "close": [1.0, 2.0, 3.0]}, "each later than the one before"),
        ({"ts": MINUTES[:1], "close": [1.0]}, "one series of two rows or more"),
        ({"ts": MINUTES, "bid_c": [1.0, 2.0, 3.0], "ask_c": [1.5, 1.5, 3.5]}, "bid 2.0 and ask 1.5"),
        ({"ts": MINUTES, "close": [1.0, float("nan"), 3.0]}, "which is no market"),
        ({"ts": MINUTES, "close": [1.0, None, 3.0]}, "rows without a value"),
    ],
)
def test_bars_that_are_none_are_refused(tmp_path: Path, columns: dict[str, Any], words: str) -> None:
    with pytest.raises(BacktestError, match=words):
        read_bars(written(tmp_path, **columns), PERPETUAL)


def test_funding_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BacktestError, match="one series"):
        read_funding(written(tmp_path, funding_time=[START, START], funding_rate=[0.1, 0.2]))
    with pytest.raises(BacktestError, match="finite fractions"):
        read_funding(written(tmp_path, funding_time=MINUTES, funding_rate=[0.1, float("inf"), 0.2]))


def test_the_rate_that_is_told_is_the_one_paid_next_and_after_the_last_none_is_known() -> None:
    rates = FundingHistory([Settled(10, 0.1), Settled(20, 0.2), Settled(30, 0.3)], 10)
    first, later = rates.told(5), rates.told(20)
    assert first is not None
    assert later is not None
    assert (first.rate, first.settled) == (0.1, ())
    assert (later.rate, later.settled) == (0.3, (0.1, 0.2))
    assert rates.told(30) is None
    assert [item.rate for item in rates.paid(10, 30)] == [0.2, 0.3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": None}, r"Expected `int`, got `null` - at `\$.seed`"),
        ({"fees": 1}, "unknown field `fees`"),
        ({"books": {"clients": {SPOT: "much"}}}, r"`\$.books"),
        ({"bars": {}}, "the scenario's bars are of nothing"),
        ({"bars": {"BTC/EUR": "bars.parquet"}}, "BTC/EUR; listed are BTC/USDT"),
        ({"books": {}, "clients": []}, "default/band reads what the scenario does not have: book clients"),
        ({"scores": []}, "default/sentiment-curve reads what the scenario does not have: score of BTC"),
        ({"bars": {PERPETUAL: str(BARS)}}, "bars of BTC/USDT$"),
        ({"depth_usd": 0}, r"Expected `float` > 0.0 - at `\$.depth_usd`"),
        ({"taker_fee_bps": "NaN"}, "taker_fee_bps is NaN"),
        ({"loans": {"clients": []}}, "clients stands under loans and under positions"),
        ({"clients": [{**CLIENTS, "largest": "0.000001"}]}, "less than a lot of 0.00001"),
        ({"clients": [{**CLIENTS, "instrument": "BTC/EUR"}]}, "instrument is BTC/EUR; listed are BTC/USDT"),
        ({"funding": {PERPETUAL: "none.parquet"}}, "none.parquet cannot be read as Parquet"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_refused_by_field(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    bundled = json.loads((STRATEGIES.parent / "scenario.json").read_text())
    bundled["bars"] = {symbol: str(STRATEGIES.parent / name) for symbol, name in bundled["bars"].items()}
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps({**bundled, "funding": {}, **changes}))
    with pytest.raises(UsageError, match=words):
        play([STRATEGIES], path)


def test_a_strategy_that_is_wrong_or_missing_is_refused_with_its_line(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(STRATEGIES.read_text().replace('upper: "25000"', 'upper: "-30000"'))
    with pytest.raises(Refused, match=r"wrong.yaml:\d+: spec.policy.band"):
        play([wrong], STRATEGIES.parent / "scenario.json")
    with pytest.raises(UsageError, match="no HedgeStrategy is declared there"):
        play([ROOT / "k8s" / "examples" / "paper-venue.yaml"], STRATEGIES.parent / "scenario.json")
    with pytest.raises(BacktestError, match=r"none.json: No such file"):
        read_scenario(tmp_path / "none.json")


def test_orders_that_would_wait_in_a_book_are_not_played() -> None:
    passive = Escalation(
        passive_ns=1, inside_ticks=0, reprice_ticks=5, aggressive_ns=1, second_instrument_ns=1, retry_ns=1
    )
    with pytest.raises(BacktestError, match="style Escalation"):
        played([1.0, 2.0], example.strategy(execution=example.execution(escalation=passive)))


def test_bars_that_share_no_time_are_refused() -> None:
    apart = market([17_000.0] * 2)
    later = [msgspec.structs.replace(touch, time_ns=2 * touch.time_ns) for touch in apart.touches[SPOT]]
    with pytest.raises(BacktestError, match="share no span of time"):
        list(type(apart)({**apart.touches, SPOT: later}, {}).moments())


def test_a_scenario_of_nothing_but_clients_plays() -> None:
    found = played([17_000.0] * 3, on=msgspec.structs.replace(busy(), books={}))
    assert len(found.steps) == 3
    assert scenario().clients == ()
