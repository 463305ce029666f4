"""The report is made from facts alone, and says no whenever one of them is wrong."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.strategy.compiled import Band, BandUnit
from hedgerow_local import exposure, latency
from hedgerow_local.balance import Accounts, imbalances
from hedgerow_local.client_orders import ClientOrders, Generated, Recorded, differences
from hedgerow_local.counters import DEAD, RECEIVED, SENT, StageCounts, Totals, lag, parse_metrics
from hedgerow_local.exposure import ExposureSummary, HedgeFill, RiskSample
from hedgerow_local.latency import Latency
from hedgerow_local.report import Facts, HedgeCounts, InstrumentHedges, as_json, problems

D = Decimal
SYMBOL = "BTC/USDT:USDT"


def good_accounts() -> Accounts:
    return Accounts(
        venue={SYMBOL: D("-0.5")},
        ledger={SYMBOL: D("-0.500")},
        journal={SYMBOL: D("-0.50")},
        journal_orders=("hr-1", "hr-2", "hr-3"),
        intents={"hr-1": 1, "hr-2": 2, "hr-3": 3, "hr-never-sent": 4},
    )


def good_orders() -> ClientOrders:
    return ClientOrders(
        generator=Generated(accepted=9, filled=7, cancelled=2, refused={"quote-stale": 1}),
        own=Recorded(accepted=9, filled=7, cancelled=2),
        everybody=Recorded(accepted=11, filled=8, cancelled=2),
        gateway_received=11,
        gateway_filled=8,
        gateway_restarts=0,
    )


def good_facts() -> Facts:
    return Facts(
        stages={"risk": StageCounts(received=10, sent=9, dead=1)},
        orders=good_orders(),
        hedges=HedgeCounts(
            decided=5,
            sent=4,
            filled=3,
            cancelled=1,
            rejected=0,
            refused=1,
            expired=0,
            unknown=1,
            abandoned=0,
            open=0,
        ),
        instruments=(
            InstrumentHedges(instrument=SYMBOL, decided=5, filled=3, fills=4, bought=D("1"), sold=D("1.5")),
        ),
        held=(("default/btc-band", "BTC"),),
        exposures=(
            ExposureSummary(
                strategy="default/btc-band",
                underlying="BTC",
                unit=BandUnit.NOTIONAL,
                lower=D(-25000),
                upper=D(25000),
                worst=D("31000.123456789"),
                end=D("24999.5"),
                inside=True,
                excursions=3,
            ),
        ),
        latencies={"received to accepted": Latency(p50=5.1, p99=20.2, count=3)},
        restarts={"executor": 1},
        accounts=good_accounts(),
        startup_s={"kafka and topics": 5.0},
        first_hedge_s=20.5,
    )


def test_a_good_demo_has_no_problems_and_every_promised_section() -> None:
    assert problems(good_facts()) == []
    report = as_json(good_facts())
    assert report["balanced"] is True
    assert report["stages"] == {"risk": {"in": 10, "out": 9, "dead": 1}}
    assert report["orders"]["posted"] == 10
    assert report["exposure"][0]["band"] == {"lower": "-25000", "upper": "25000", "unit": "Notional"}
    assert report["exposure"][0]["worst"] == "31000.12345679"
    assert report["latency_ms"]["received to accepted"] == {"p50": 5.1, "p99": 20.2, "count": 3}
    assert report["restarts"] == {"executor": 1}
    assert {"decided", "sent", "filled", "rejected", "unknown", "abandoned"} <= report["hedges"].keys()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hedges": {"open": 1}}, "still open"),
        ({"hedges": {"filled": 2}}, "2 hedges were filled"),
        ({"exposure": {"inside": False}}, "outside"),
        ({"exposure": {"excursions": 2}}, "left its band 2 times"),
        ({"orders": {"generator": Generated(accepted=9, filled=6, cancelled=2)}}, "the generator says 6"),
        ({"orders": {"gateway_received": 10}}, "received: the gateway says 10, the ledger 11"),
        ({"accounts": {"venue": {}}}, "the venue says 0"),
        ({"accounts": {"ledger": {SYMBOL: D("-0.501")}}}, "the ledger -0.501"),
        ({"accounts": {"journal": {SYMBOL: D("-0.4")}}}, "the journal -0.4"),
        ({"accounts": {"journal_orders": ("hr-1", "hr-1")}}, "order hr-1 is 2 times in the journal"),
        ({"accounts": {"journal_orders": ("hr-9",)}}, "'hr-9' in the journal is no intent"),
    ],
)  # fmt: skip
def test_each_fault_alone_fails_the_demo(change: dict[str, dict[str, object]], words: str) -> None:
    facts = good_facts()
    ((part, fields),) = change.items()
    if part == "exposure":
        changed = (msgspec.structs.replace(facts.exposures[0], **fields),)
        facts = msgspec.structs.replace(facts, exposures=changed)
    else:
        facts = msgspec.structs.replace(
            facts, **{part: msgspec.structs.replace(getattr(facts, part), **fields)}
        )
    found = problems(facts)
    assert len(found) == 1
    assert words in found[0]


def test_the_report_has_a_row_per_instrument() -> None:
    (row,) = as_json(good_facts())["instruments"]
    assert (row["instrument"], row["decided"], row["fills"], row["sold"]) == (SYMBOL, 5, 4, "1.5")
    assert row["venue"] == row["ledger"] == row["journal"] == "-0.5"


def test_a_strategy_that_was_never_seen_fails_the_demo() -> None:
    facts = good_facts()
    facts = msgspec.structs.replace(facts, held=(*facts.held, ("default/spx-band", "SPX")))
    (found,) = problems(facts)
    assert "spx-band" in found


def test_orders_that_still_wait_are_no_end() -> None:
    counts = {"accepted": 9, "filled": 7, "cancelled": 1}
    orders = msgspec.structs.replace(good_orders(), generator=Generated(**counts), own=Recorded(**counts))
    assert differences(orders) == ["1 of the generator's orders still wait"]


def test_a_gateway_that_was_killed_may_have_counted_too_little_and_never_too_much() -> None:
    killed = msgspec.structs.replace(good_orders(), gateway_restarts=1, gateway_received=10)
    assert differences(killed) == []
    assert len(differences(msgspec.structs.replace(killed, gateway_received=12))) == 1


def test_a_demo_without_any_exposure_fails() -> None:
    facts = msgspec.structs.replace(good_facts(), exposures=())
    assert any("no exposure" in problem for problem in problems(facts))


@given(
    moved=st.sampled_from(["venue", "ledger", "journal"]),
    by=st.decimals(min_value="0.001", max_value=10, places=3),
)
def test_any_difference_between_the_three_accounts_is_an_imbalance(moved: str, by: Decimal) -> None:
    accounts = good_accounts()
    changed = msgspec.structs.replace(accounts, **{moved: {SYMBOL: D("-0.5") + by}})
    assert imbalances(accounts) == []
    assert len(imbalances(changed)) == 1


BAND = Band(underlying="BTC", lower=D(-100), upper=D(100), unit=BandUnit.NOTIONAL)
BANDS = {("u", 1, "BTC"): BAND}


def sample(time_ns: int, delta: str, mark: str = "10", generation: int = 1) -> RiskSample:
    return RiskSample(
        strategy="default/s",
        uid="u",
        generation=generation,
        underlying="BTC",
        time_ns=time_ns,
        delta=D(delta),
        mark=D(mark),
    )


def fill(time_ns: int, delta: str) -> HedgeFill:
    return HedgeFill(uid="u", underlying="BTC", time_ns=time_ns, delta=D(delta))


def test_leaving_the_band_again_counts_again_and_clips_in_between_do_not() -> None:
    samples = [sample(10, "0"), sample(20, "15"), sample(30, "15"), sample(50, "15"), sample(60, "-9")]
    fills = [fill(25, "-2"), fill(40, "-3")]
    (summary,) = exposure.summarise(samples, fills, BANDS)
    # 150 and 130 are one excursion that ends at 100; then the book turns: -90 - 50 is another one.
    assert summary.excursions == 2
    assert summary.worst == D(150)
    assert summary.end == D(-140)
    assert summary.inside is False


def test_the_hedge_that_a_session_began_with_counts() -> None:
    (summary,) = exposure.summarise([sample(100, "15")], [fill(1, "-6")], BANDS)
    assert (summary.excursions, summary.end, summary.inside) == (0, D(90), True)


def test_a_band_is_the_one_of_the_generation_that_risk_ran() -> None:
    wide = {**BANDS, ("u", 2, "BTC"): msgspec.structs.replace(BAND, upper=D(1000))}
    (summary,) = exposure.summarise([sample(10, "15"), sample(20, "15", generation=2)], [], wide)
    assert (summary.excursions, summary.inside, summary.upper) == (1, True, D(1000))


def test_a_band_in_units_of_the_underlying_does_not_move_with_the_mark() -> None:
    in_units = {("u", 1, "BTC"): Band(underlying="BTC", lower=D(-2), upper=D(2), unit=BandUnit.UNDERLYING)}
    (summary,) = exposure.summarise([sample(10, "1.5", "10"), sample(20, "1.5", "90000")], [], in_units)
    assert (summary.excursions, summary.end) == (0, D("1.5"))


@given(
    deltas=st.lists(st.integers(-30, 30), min_size=1, max_size=30),
    fills=st.lists(st.tuples(st.integers(0, 40), st.integers(-30, 30)), max_size=20),
)
def test_the_end_is_the_last_state_plus_every_fill_and_the_worst_is_no_better(
    deltas: list[int], fills: list[tuple[int, int]]
) -> None:
    samples = [sample(index, str(delta)) for index, delta in enumerate(deltas)]
    hedge = [fill(time_ns, str(delta)) for time_ns, delta in fills]
    (summary,) = exposure.summarise(samples, hedge, BANDS)
    assert summary.end == (deltas[-1] + sum(delta for _, delta in fills)) * 10
    assert summary.inside == (-100 <= summary.end <= 100)
    assert abs(summary.worst) >= abs(summary.end)
    assert (summary.excursions > 0) == (abs(summary.worst) > 100)


def test_latency_is_taken_hop_by_hop_and_wake_ups_are_left_out() -> None:
    ms = 1_000_000
    journeys = [
        {"received": 0, "risk": 1 * ms, "decided": 3 * ms, "claimed": 4 * ms, "accepted": 9 * ms},
        {"received": 0, "risk": 2 * ms, "decided": 3 * ms, "claimed": 5 * ms, "accepted": 7 * ms},
        {"decided": 0, "claimed": 1, "accepted": 10_000 * ms},
    ]
    found = latency.summarise(journeys)
    assert found["received to risk"] == Latency(p50=1.0, p99=2.0, count=2)
    assert found["claimed to accepted"] == Latency(p50=2.0, p99=5.0, count=2)
    assert found["received to accepted"] == Latency(p50=7.0, p99=9.0, count=2)
    assert latency.summarise([]) == {}


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=200))
def test_percentiles_are_times_that_were_measured(times: list[int]) -> None:
    found = latency.summarise([{"received": 0, "accepted": time_ns} for time_ns in times])
    total = found["received to accepted"]
    measured = {round(time_ns / 1e6, 3) for time_ns in times}
    assert {total.p50, total.p99} <= measured
    assert total.p50 <= total.p99
    assert sum(time_ns / 1e6 <= total.p50 + 0.001 for time_ns in times) >= len(times) / 2


def page(received: int, dead: int = 0) -> str:
    return (
        "# TYPE hedgerow_messages_received_total counter\n"
        f'hedgerow_messages_received_total{{role="risk",topic="risk.inputs"}} {received}\n'
        f'hedgerow_messages_received_total{{role="router",topic="books"}} 2\n'
        "# TYPE hedgerow_messages_sent_total counter\n"
        'hedgerow_messages_sent_total{role="risk",topic="risk.state"} 4\n'
        "# TYPE hedgerow_dead_letters_total counter\n"
        f'hedgerow_dead_letters_total{{role="risk",topic="risk.inputs"}} {dead}\n'
        "# TYPE hedgerow_consumer_lag_messages gauge\n"
        'hedgerow_consumer_lag_messages{partition="0",role="risk",topic="risk.inputs"} 3\n'
        'hedgerow_consumer_lag_messages{partition="1",role="risk",topic="risk.inputs"} 4\n'
    )


def test_counters_go_on_rising_when_a_worker_begins_again() -> None:
    totals = Totals()
    totals.update(parse_metrics("pipeline", page(100, dead=1)))
    totals.update(parse_metrics("pipeline", page(7)))
    totals.update({})
    totals.update(parse_metrics("pipeline", page(9)))
    assert totals.by_role(RECEIVED) == {"risk": 109, "router": 2}
    assert totals.by_role(DEAD) == {"risk": 1}
    assert totals.total(SENT) == 4
    assert totals.stages()["risk"] == StageCounts(received=109, sent=4, dead=1)


def test_lag_is_summed_over_partitions() -> None:
    assert lag(parse_metrics("pipeline", page(1))) == 7
