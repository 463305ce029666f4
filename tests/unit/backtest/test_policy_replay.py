"""What a backtest comes to: its accounts, its figures, and the page that tells them."""

import importlib
from collections.abc import Iterator
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import hedge_examples as example
import msgspec
import pytest
from backtest_examples import busy, played, scenario
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.backtest.figures import figures_of
from hedgerow.backtest.replay import Replay
from hedgerow.backtest.scenario import Borrowed
from hedgerow.strategy.compiled import FundingAware, Twap

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pages() -> Iterator[ModuleType]:
    """The script that writes the guide's table and plots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")
        yield importlib.import_module("policy_pages")


@pytest.fixture(scope="module")
def bundled(pages: ModuleType) -> dict[str, Replay]:
    """What the guide's page is made of, by strategy."""
    return {item.strategy.name: item for item in pages.bundled_replays()}


def test_the_guide_tells_what_the_program_makes_now(pages: ModuleType, bundled: dict[str, Replay]) -> None:
    told = pages.PAGE.read_text().split(pages.BEGIN)[1].split(pages.END)[0].strip()
    assert told == pages.markdown_of(list(bundled.values())), "run python scripts/policy_pages.py"


def test_the_table_is_the_same_where_a_library_changed_how_decimals_are_rounded(
    pages: ModuleType, bundled: dict[str, Replay]
) -> None:
    """ccxt does, for the whole process; some amount of the table is half a cent off."""
    usual = pages.markdown_of(list(bundled.values()))
    for rounding in (ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_UP):
        with localcontext(rounding=rounding):
            assert pages.markdown_of(list(bundled.values())) == usual


def test_the_plots_show_the_numbers_that_the_program_makes_now(
    pages: ModuleType, bundled: dict[str, Replay]
) -> None:
    plots = pages.policy_plots.plots_of(list(bundled.values()))
    assert {plot.name for plot in plots} == {*bundled, "funding"}
    for plot in plots:
        assert plot.digest in plot.path.read_text(), f"{plot.name}: run python scripts/policy_pages.py"
        page = (ROOT / "docs" / "guide" / f"{plot.name}.md").read_text()
        assert f"](plots/{plot.name}.svg)" in page
        assert "**When not to use it.**" in page


def test_on_the_recorded_bars_every_policy_takes_variance_off(bundled: dict[str, Replay]) -> None:
    found = {name: figures_of(item) for name, item in bundled.items()}
    assert set(found) == {"band", "loan-to-value", "sentiment-curve", "inventory-risk"}
    for item in found.values():
        assert 0 < item.hedged_variance < item.unhedged_variance
        assert item.orders > 0
        assert item.fees == item.turnover * Decimal("5.5") / 10_000
    # The same clients, whoever hedges them.
    assert len({found[name].unhedged for name in found if name != "loan-to-value"}) == 1
    assert found["loan-to-value"].worst_ltv > Decimal("0.65")
    assert set(found["loan-to-value"].states) == {"Normal", "Caution"}


def test_on_the_recorded_bars_every_sum_can_be_made_again_from_the_orders(
    bundled: dict[str, Replay],
) -> None:
    for item in bundled.values():
        assert_accounts(item)


def assert_accounts(item: Replay) -> None:
    """The hedge's profit is what was got less what was paid, plus what is left at its mid."""
    last, held = item.steps[-1], sum((order.quantity for order in item.orders), Decimal(0))
    cash = sum((order.quantity * order.price for order in item.orders), Decimal(0))
    assert last.price == held * last.mark - cash
    assert last.fees == sum((order.fee for order in item.orders), Decimal(0))
    assert last.hedge == held * last.mark
    assert last.hedged == last.unhedged + last.price - last.fees - last.funding


@settings(max_examples=25)
@given(
    st.lists(st.integers(-40, 40), min_size=2, max_size=12),
    st.integers(0, 1000),
    st.floats(-0.001, 0.001),
)
def test_b1_the_accounts_balance_and_a_seed_gives_one_course(
    moves: list[int], seed: int, rate: float
) -> None:
    """B1: for any prices, clients and funding, profit = price profit - fees - funding, each made again from the orders;
    and the same seed gives the same replay."""
    mids = [17_000.0]
    for move in moves:
        mids.append(mids[-1] + move / 2)
    first = played(mids, on=busy(seed), funding={1: rate})
    assert_accounts(first)
    assert played(mids, on=busy(seed), funding={1: rate}) == first
    # BTC within ±1, whatever clients did: the band is what is left open at the end of each bar.
    assert all(abs(step.exposure + step.hedge) <= step.mark * 1 for step in first.steps)


def test_another_seed_is_another_course() -> None:
    mids = [17_000.0, 17_001.0, 17_002.0]
    assert played(mids, on=busy(1)).steps != played(mids, on=busy(2)).steps


def test_funding_is_paid_once_on_what_is_held_at_its_time() -> None:
    """One coin short, at a mid of 17,100 in minute 2: shorts are paid a rate above zero."""
    found = played([17_000.0, 17_050.0, 17_100.0, 17_100.0], funding={2: 0.001, 482: 0.001})
    assert sum((order.quantity for order in found.orders), Decimal(0)) == -1
    assert [step.funding for step in found.steps] == [0, 0, Decimal("-17.1"), Decimal("-17.1")]
    assert found.steps[-1].hedged == found.steps[-1].unhedged + found.steps[-1].price - found.steps[
        -1
    ].fees + Decimal("17.1")


def test_slices_and_cooldowns_run_at_their_own_times_within_a_bar() -> None:
    """One coin too much, over 100 s in slices of 10 s: a bar ends each minute, a slice follows the one before."""
    twap = Twap(duration_ns=100 * example.SECOND_NS, slices=10)
    found = played([17_000.0] * 4, example.strategy(execution=example.execution(twap=twap)))
    times = [order.time_ns for order in found.orders]
    assert len(times) == 10
    assert {later - earlier for earlier, later in pairwise(times)} == {10 * example.SECOND_NS}
    clips = played(
        [17_000.0] * 2, example.strategy(execution=example.execution(clip_notional=Decimal(5_000)))
    )
    assert [clips.orders[1].time_ns - clips.orders[0].time_ns, len(clips.orders)] == [
        2 * example.SECOND_NS,
        4,
    ]


def test_a_paying_hedge_is_smaller_where_funding_counts() -> None:
    """At -0.03 % each 8 h shorts pay an APR of 33 %: the ladder hedges all of it in Critical alone."""
    loans = {
        "loans": (
            msgspec.json.decode(b'{"asset":"USDT","principal":"22000","annual_rate":"0"}', type=Borrowed),
        )
    }
    strategy = example.by_ltv()
    aware = msgspec.structs.replace(
        strategy, funding=FundingAware(max_daily_cost_bps=None, max_age_ns=10**12)
    )
    on, rates = scenario(loans=loans), {480: -0.0003}
    whole, part = (
        played([17_000.0, 17_000.0], item, on, rates).steps[-1].hedge for item in (strategy, aware)
    )
    assert whole < part < 0
