"""What funding does to a hedge.

F1  A hedge that earns funding, or pays nothing, is never made smaller.
F2  The multiplier is within its regime's ends, and never rises from one regime to the next higher.
F3  In the state Critical a hedge is never made smaller, whatever it costs.
F4  A hedge that is made smaller pays no more than maxDailyCostBps of the exposure in 24 hours, and keeps its side.
F5  The same yearly cost is the same APR, whatever the interval.
"""

import os
from decimal import Decimal
from statistics import fmean
from typing import Any

import hedge_examples as example
import msgspec
import polars as pl
import pytest
from full_recordings import full_recordings
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.exposure import net_exposure
from hedgerow.hedging.funding import (
    Regime,
    apr_of,
    daily_cost,
    multiplier_of,
    points_of,
    regime_of,
    worth_of,
)
from hedgerow.hedging.ladder import LadderStanding, LtvState
from hedgerow.hedging.snapshot import LedgerSnapshot, PolicyState
from hedgerow.schemas.records import Funding
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import FundingAware

CASES = 10_000 if os.environ.get("HEDGEROW_BENCH") else 300
HOUR_NS = 3_600_000_000_000
INTERVALS = [HOUR_NS, 4 * HOUR_NS, 8 * HOUR_NS]
ENDS = {
    Regime.NEUTRAL: (1.0, 1.0),
    Regime.NORMAL: (0.6, 0.9),
    Regime.HEATED: (0.3, 0.6),
    Regime.MANIA: (0.1, 0.3),
    Regime.EXTREME: (0.0, 0.0),
}
rates = st.floats(min_value=-0.02, max_value=0.02, allow_nan=False)
fundings = st.builds(
    Funding,
    rate=rates,
    interval_ns=st.sampled_from(INTERVALS),
    settled=st.lists(rates, max_size=24).map(tuple),
    time_ns=st.just(example.NOW_NS),
)
deltas = st.floats(min_value=-100, max_value=100, allow_nan=False)


def funding(apr: float, *settled: float, hours: int = 8) -> Funding:
    """At this APR now, with these APRs settled."""
    one = hours / (365 * 24) / 100
    return Funding(
        rate=apr * one,
        interval_ns=hours * HOUR_NS,
        settled=tuple(item * one for item in settled),
        time_ns=example.NOW_NS,
    )


def situation(
    told: Funding | None,
    delta: str = "2",
    ltv: str = "0.7",
    state: LtvState = LtvState.CAUTION,
    limit_bps: int | None = None,
    **changes: Any,
) -> tuple[RiskState, LedgerSnapshot]:
    aware = FundingAware(
        max_daily_cost_bps=None if limit_bps is None else Decimal(limit_bps), max_age_ns=600 * 1_000_000_000
    )
    config = example.by_ltv(funding=aware, **changes)
    risk = example.risk(delta, loan=example.loan(ltv), marks=(example.mark(funding=told),))
    policy_state = PolicyState(ladder=LadderStanding(state=state, since_ns=example.NOW_NS))
    return risk, example.snapshot(config=config, policy_state=policy_state)


def wanted(risk: RiskState, ledger: LedgerSnapshot) -> Decimal:
    """The hedge that the edges leave, signed."""
    exposure = net_exposure(ledger.config.rules[0], risk, ledger)
    assert exposure.lower == exposure.upper
    return exposure.lower - exposure.unhedged


@settings(max_examples=CASES, deadline=None)
@given(fundings, deltas, deltas, st.one_of(st.none(), st.integers(0, 100)))
def test_f1_a_hedge_that_earns_is_never_shrunk(
    told: Funding, hedge: float, exposure: float, limit: int | None
) -> None:
    worth = worth_of(told, hedge, exposure, limit)
    assert 0 <= worth <= 1
    earns_or_is_free = hedge == 0 or told.rate == 0 or (hedge > 0) != (told.rate > 0)
    if earns_or_is_free:
        assert worth == 1


@settings(max_examples=CASES, deadline=None)
@given(fundings)
def test_f2_the_multiplier_stays_within_its_regime(told: Funding) -> None:
    apr = apr_of(told.rate, told.interval_ns)
    low, high = ENDS[regime_of(apr)]
    assert low <= multiplier_of(told) <= high
    higher = tuple(Regime).index(regime_of(apr * 5))
    assert higher >= tuple(Regime).index(regime_of(apr))
    dearer = msgspec.structs.replace(told, rate=told.rate * 5)
    if regime_of(apr * 5) is not regime_of(apr):
        assert multiplier_of(dearer) <= multiplier_of(told)


@settings(max_examples=CASES, deadline=None)
@given(fundings, st.sampled_from(["2", "-2", "0.5"]))
def test_f3_what_is_critical_is_never_shrunk(told: Funding, delta: str) -> None:
    risk, ledger = situation(told, delta, ltv="0.95", state=LtvState.CRITICAL, limit_bps=0)
    assert wanted(risk, ledger) == -Decimal(delta)


@settings(max_examples=CASES, deadline=None)
@given(fundings, st.decimals(-20, 20, places=3), st.integers(0, 60))
def test_f4_the_daily_cost_stays_below_its_limit(told: Funding, delta: Decimal, limit: int) -> None:
    risk, ledger = situation(told, str(delta), limit_bps=limit)
    hedge = wanted(risk, ledger)
    assert hedge * delta <= 0
    assert abs(hedge) <= abs(delta) * Decimal("0.3")
    paid = float(abs(hedge)) * max(daily_cost(told, float(hedge)), 0.0)
    assert paid <= float(abs(delta)) * limit / 1e4 * (1 + 1e-9)


@settings(max_examples=CASES, deadline=None)
@given(rates, st.sampled_from(INTERVALS))
def test_f5_an_apr_knows_the_interval(rate: float, interval_ns: int) -> None:
    a_year = rate * (365 * 24 * HOUR_NS / interval_ns) * 100
    assert apr_of(rate, interval_ns) == pytest.approx(a_year)
    eight = Funding(rate=rate * (8 * HOUR_NS / interval_ns), interval_ns=8 * HOUR_NS, settled=(), time_ns=0)
    same = Funding(rate=rate, interval_ns=interval_ns, settled=(), time_ns=0)
    assert daily_cost(same, -1.0) == pytest.approx(daily_cost(eight, -1.0))


def test_hedgelocks_apr_regimes_and_points() -> None:
    """0.0001 each 8 h is 10.95 % a year."""
    assert apr_of(0.0001, 8 * HOUR_NS) == pytest.approx(0.0001 * 3 * 365 * 100)
    regimes = [regime_of(apr) for apr in (0, 9.99, 10, -49.9, 50, -99, 100, 299, 300, -5_000)]
    assert regimes == [
        Regime.NEUTRAL, Regime.NEUTRAL, Regime.NORMAL, Regime.NORMAL, Regime.HEATED, Regime.HEATED, Regime.MANIA,
        Regime.MANIA, Regime.EXTREME, Regime.EXTREME,
    ]  # fmt: skip
    assert [points_of(funding(apr)) for apr in (5, 20, 60, 150, 400)] == [0, 5, 10, 20, 30]
    assert points_of(funding(20, 200, -200, 20)) == 10


@pytest.mark.parametrize(
    ("apr", "settled", "multiplier"),
    [
        (9, (), 1.0),
        (10.0001, (), 0.9),
        (30, (), 0.75),
        (30, (40, 40, 40), 0.825),
        (30, (20, 20, 20), 0.675),
        (11, (400, 400), 0.9),
        (49, (1, 1), 0.6),
        (75, (), 0.45),
        (200, (), 0.2),
        (300, (), 0.0),
        (-75, (), 0.45),
    ],
)
def test_hedgelocks_multiplier(apr: float, settled: tuple[float, ...], multiplier: float) -> None:
    assert multiplier_of(funding(apr, *settled)) == pytest.approx(multiplier, abs=1e-5)


def test_the_side_that_pays_is_shrunk_and_the_side_that_earns_is_not() -> None:
    """HedgeLock is sign-blind: it shrinks both. Above zero the longs pay, so a short hedge earns."""
    assert wanted(*situation(funding(75))) == Decimal("-0.6")
    assert wanted(*situation(funding(-75))) == Decimal("-0.270")
    assert wanted(*situation(funding(75), delta="-2")) == Decimal("0.270")
    assert wanted(*situation(funding(-400))) == 0


def test_the_forecast_is_in_the_decision_and_in_words() -> None:
    risk, ledger = situation(funding(-75))
    decision = decide(risk, ledger)
    assert isinstance(decision, Hedge)
    (intent,) = decision.intents
    cost = 0.27 * 60000.1 * 0.75 / 365
    assert float(intent.daily_cost or 0) == pytest.approx(cost, abs=0.006)
    assert net_exposure(ledger.config.rules[0], risk, ledger).rule.endswith(
        "risk score 65.00, urgency Medium; funding APR -75.00% (Heated) leaves 45.00% of it, which costs 33.29 in 24 h "
        "(20.55 bps)"
    )
    earning = decide(*situation(funding(75)))
    assert isinstance(earning, Hedge)
    assert (earning.intents[0].daily_cost or 0) < 0


@pytest.mark.parametrize("age_s", [None, 601])
def test_funding_that_is_not_known_takes_nothing_off_and_is_said(age_s: int | None) -> None:
    told = None
    if age_s is not None:
        old_ns = example.NOW_NS - age_s * 1_000_000_000
        told = msgspec.structs.replace(funding(-400), time_ns=old_ns)
    risk, ledger = situation(told)
    exposure = net_exposure(ledger.config.rules[0], risk, ledger)
    assert exposure.lower - exposure.unhedged == Decimal("-0.6")
    assert "funding of BTC/USDT:USDT is not known" in exposure.rule
    assert exposure.daily_cost is None


def test_a_curve_counts_funding_too() -> None:
    aware = FundingAware(max_daily_cost_bps=None, max_age_ns=600 * 1_000_000_000)
    mark = example.mark(depth_usd=1e7, funding=funding(-75))
    risk = example.risk("2", marks=(mark,), scores=(example.score(1.0),))
    ledger = example.snapshot(config=example.by_score(funding=aware))
    exposure = net_exposure(ledger.config.rules[0], risk, ledger)
    assert exposure.lower - exposure.unhedged == Decimal("-0.9")


def test_no_recorded_rate_of_seven_venues_shrinks_a_hedge_that_earns() -> None:
    """Every rate that was settled, as the rate now, with the day before it."""
    folder = full_recordings("funding")
    table = pl.read_parquet(folder / "perp_funding_2020_2023H1.parquet").sort(
        "exchange", "symbol", "funding_time"
    )
    checked, shrunk, seen = 0, 0, set()
    for (venue, _), history in table.group_by("exchange", "symbol", maintain_order=True):
        interval_ns = HOUR_NS if venue == "dydx" else 8 * HOUR_NS
        a_day = 24 * HOUR_NS // interval_ns
        told = history["funding_rate"].to_list()
        for number in range(a_day, len(told), 7):
            now = Funding(
                rate=told[number],
                interval_ns=interval_ns,
                settled=tuple(told[number - a_day : number]),
                time_ns=example.NOW_NS,
            )
            short, long = (worth_of(now, hedge, 1.0, None) for hedge in (-1.0, 1.0))
            assert (short if now.rate >= 0 else long) == 1
            low, high = ENDS[regime_of(apr_of(now.rate, interval_ns))]
            assert low <= multiplier_of(now) <= high
            assert daily_cost(now, -1.0) == pytest.approx(-now.rate * a_day)
            shrunk += short < 1 or long < 1
            checked += 1
        seen.add(venue)
        assert abs(fmean(told)) < 0.01
    assert len(seen) == 7
    assert checked > 8_000
    assert 0 < shrunk < checked
