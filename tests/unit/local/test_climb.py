"""What the demo tells of an LTV ladder in a market that falls and comes back, and when it is not content."""

from decimal import Decimal
from pathlib import Path

import pytest

from hedgerow.cli.declared import compile_declared, read_declared
from hedgerow.hedging.ladder import LadderStanding, LtvState
from hedgerow_local.climb import Climb, Entered, LadderRecord, as_json, climb_of, problems_of, round_trips
from hedgerow_local.errors import LocalError
from hedgerow_local.exposure import HedgeFill, RiskSample
from hedgerow_local.screen import ladder_lines
from hedgerow_local.treasury import CALM_LTV, HAIRCUT, HELD, books, hasty

D = Decimal
UID = "6f1a2b3c-4d5e-4f60-8172-8394a5b6c7d8"
EXAMPLE = Path(__file__).resolve().parents[3] / "k8s/examples/policies/btc-treasury.yaml"
WANTS = {"Normal": "0", "Caution": "0.3", "Danger": "0.7", "Critical": "1"}
# A state every second; hedged half a second after each was entered.
LAP = ("Normal", "Caution", "Danger", "Critical", "Danger", "Caution", "Normal")
SECOND_NS = 1_000_000_000


def climb(states: tuple[str, ...] = LAP, hedges: dict[int, str] | None = None, zone: str = "0") -> Climb:
    """2 BTC at 50,000. `hedges`: fraction hedged from half a second after the state of this number was entered; without
    it, what each state wants."""
    entered = tuple(
        Entered(
            standing=LadderStanding(state=LtvState(state), since_ns=number * SECOND_NS),
            ltv=D("0.5"),
            wants=D(WANTS[state]),
            exposure=D(2),
            zone=D(zone),
        )
        for number, state in enumerate(states)
    )
    told = hedges if hedges is not None else {number: WANTS[state] for number, state in enumerate(states)}
    fills, hedge = [], D(0)
    for number, fraction in told.items():
        after = -2 * D(fraction)
        fills.append(_fill(number * SECOND_NS + SECOND_NS // 2, after - hedge))
        hedge = after
    sample = RiskSample(
        strategy="default/btc-treasury",
        uid=UID,
        generation=1,
        underlying="BTC",
        time_ns=3 * SECOND_NS,
        delta=D(2),
        mark=D(50_000),
    )
    record = LadderRecord(strategy="default/btc-treasury", uid=UID, underlying="BTC", entered=entered)
    return climb_of(record, fills, [sample])


def _fill(time_ns: int, delta: Decimal, uid: str = UID) -> HedgeFill:
    return HedgeFill(uid=uid, underlying="BTC", time_ns=time_ns, delta=delta)


def test_a_whole_lap_that_was_hedged_is_what_was_wanted() -> None:
    found = climb()
    assert problems_of([found]) == []
    assert [stay.hedged for stay in found.stays] == [D(WANTS[state]) for state in LAP]
    # Nothing was held when Normal was entered, and Normal wants nothing.
    assert [stay.hedged_ns for stay in found.stays[:2]] == [0, 3 * SECOND_NS // 2]
    assert as_json(found)["stays"][1] == {
        "state": "Caution",
        "since_ns": SECOND_NS,
        "until_ns": 2 * SECOND_NS,
        "ltv": "0.5",
        "wants": "0.3",
        "hedged": "0.3",
        "hedged_ns": 3 * SECOND_NS // 2,
    }
    assert ladder_lines(found)[2].split() == ["00:00:00", "Normal", "0.500", "0%", "0.0%", "0.0", "s"]


@pytest.mark.parametrize(
    ("states", "trips"),
    [
        (LAP, 1),
        (("Critical", "Danger", "Caution", *LAP), 1),
        ((*LAP, *LAP[1:]), 2),
        (("Normal", "Critical", "Normal", "Caution"), 1),
        (("Critical", "Danger", "Caution", "Normal"), 0),
        (("Normal", "Caution", "Danger", "Critical", "Danger"), 0),
        (("Normal", "Caution", "Normal"), 0),
        ((), 0),
    ],
)
def test_it_came_back_when_it_stood_at_normal_before_and_after_critical(
    states: tuple[str, ...], trips: int
) -> None:
    found = round_trips(climb(states).stays)
    assert len(found) == trips
    assert all([way[0].state, way[-1].state] == ["Normal", "Normal"] for way in found)


def test_one_whole_way_that_was_hedged_is_enough() -> None:
    """A session begins and ends anywhere in a lap, and the way it begins on is no whole one."""
    states = ("Danger", "Critical", "Danger", "Caution", *LAP)
    hedges = {number: WANTS[state] for number, state in enumerate(states) if number != 2}
    assert problems_of([climb(states, hedges)]) == []
    twice = (*LAP, *LAP[1:])
    hedges = {number: WANTS[state] for number, state in enumerate(twice) if number != 4}
    assert problems_of([climb(twice, hedges)]) == []


def test_what_was_not_shown_is_said() -> None:
    assert problems_of([]) == ["no strategy has an LTV ladder that could climb"]
    (low,) = problems_of([climb(("Normal", "Caution"))])
    assert "did not climb to Critical" in low
    (stuck,) = problems_of([climb(LAP[:4])])
    assert "did not climb from Normal to Critical and come back" in stuck


def test_a_state_that_was_left_unhedged_is_said_and_the_last_one_may_still_be_under_way() -> None:
    (found,) = problems_of([climb(hedges={1: "0.3", 2: "0.5", 3: "1", 4: "0.7", 5: "0.3", 6: "0.2"})])
    assert found == "default/btc-treasury: in Danger 70% should be hedged, and the nearest was 50.0%"


def test_too_much_of_a_hedge_is_as_wrong_as_too_little() -> None:
    (found,) = problems_of([climb(hedges={1: "0.3", 2: "0.7", 3: "1", 4: "1", 5: "0.3", 6: "0"})])
    assert found.startswith(
        "default/btc-treasury: in Danger 70% should be hedged, and the nearest was 100.0%"
    )


def test_what_the_zone_lets_be_missing_is_not_missing() -> None:
    """1,000 USD of 100,000 are a hundredth, at the lowest price seen in the state."""
    near = {1: "0.3", 2: "0.7", 3: "0.985", 4: "0.7", 5: "0.3", 6: "0"}
    assert len(problems_of([climb(hedges=near)])) == 1
    assert problems_of([climb(hedges=near, zone="1000")]) == []


def test_the_example_is_the_treasurys_strategy_with_shorter_stays(tmp_path: Path) -> None:
    file = tmp_path / "btc-treasury.yaml"
    file.write_text(hasty(EXAMPLE.read_text()))
    compiled = compile_declared(read_declared(file).declared, {}, [])
    assert compiled.problems == ()
    (strategy,) = compiled.strategies
    assert strategy.loan_to_value is not None
    assert strategy.loan_to_value.min_dwell_ns == 3 * SECOND_NS
    assert {item.book for item in strategy.exposure} == set(books())
    assert [item.haircut for item in strategy.loan_to_value.haircuts] == [HAIRCUT]
    assert strategy.loan_to_value.caution.ltv > CALM_LTV
    assert CALM_LTV / D("0.7") > strategy.loan_to_value.critical.ltv
    assert strategy.hedge_with[0].account == "hedge-03"
    assert books()["treasury"]["positions"] == {"BTC/USDT": str(HELD)}


def test_an_example_without_the_stay_is_refused() -> None:
    with pytest.raises(LocalError, match="should have 'minDwell: 30s' once"):
        hasty("minDwell: 10s")
