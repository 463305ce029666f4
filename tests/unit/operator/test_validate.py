"""Whether a strategy's newest spec may run, and what runs if not.

I1  a refused spec never changes what is live
I2  of two that want one leg exactly one may have it, whichever is asked first
"""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from operator_examples import observed, published, resource, running, venue_view

from hedgerow.domain.instruments import LISTINGS
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow_operator.observed import LastGood, Observed, Rival
from hedgerow_operator.validate import Verdict, judge

LEG = ("desk/paper", "BTC/USDT:USDT")


def verdict(seen: Observed) -> Verdict:
    return judge(seen, LISTINGS)


def reason(seen: Observed) -> str | None:
    refusal = verdict(seen).refusal
    return refusal.reason if refusal else None


def good() -> CompiledStrategy:
    config = verdict(observed()).config
    assert config is not None
    return config


def band(upper: str) -> dict[str, Any]:
    return {"type": "Band", "band": [{"underlying": "BTC", "lower": "-25000", "upper": upper}]}


def rival(key: str = "desk/abc", created: str = "2025-01-01T00:00:00Z", refused: bool = False) -> Rival:
    return Rival(key=key, created=created, venue=LEG[0], instrument=LEG[1], refused=refused)


def test_a_right_spec_is_accepted_as_its_own_generation() -> None:
    found = verdict(observed(resource(generation=7)))
    assert (found.accepted, found.generation) == (True, 7)
    assert found.config is not None
    assert found.config.bands[0].upper == Decimal(25000)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (resource(policy=band("-30000")), "spec.policy.band[0].lower: -25000 is not below upper, -30000"),
        (resource(mode="Live"), 'mode Live cannot trade on "paper", whose environment is Paper'),
        (resource(policy=band("x")), 'spec.policy.band[0].upper: "x" does not fit'),
    ],
)
def test_a_wrong_spec_is_refused_in_words(body: dict[str, Any], words: str) -> None:
    refusal = verdict(observed(body)).refusal
    assert refusal is not None
    assert refusal.reason == "Invalid"
    assert words in refusal.message


@given(upper=st.sampled_from(["-30000", "x", "1.2.3"]), generation=st.integers(2, 9))
def test_what_is_live_stays_while_the_newest_is_refused(upper: str, generation: int) -> None:
    """I1"""
    config = good()
    seen = running(observed(resource(generation=generation, policy=band(upper))), config)
    found = verdict(seen)
    assert not found.accepted
    assert (found.config, found.generation) == (config, 1)


def test_a_new_ledger_gets_the_last_good_spec() -> None:
    spec = resource()["spec"]
    kept = LastGood(name="btc-1", generation=3, spec=spec)
    found = verdict(observed(resource(generation=4, policy=band("x")), last_good=kept))
    assert (found.config, found.generation) == (good(), 3)


def test_nothing_is_live_when_nothing_was_ever_right() -> None:
    assert verdict(observed(resource(policy=band("x")))).config is None


def test_an_unknown_venue_is_named_and_one_that_was_not_looked_at_is_waited_for() -> None:
    seen = observed(venues={})
    refusal = verdict(seen).refusal
    assert refusal is not None
    assert refusal.reason == "VenueNotFound"
    assert "there is no Venue paper in namespace desk" in refusal.message
    assert verdict(observed(venues={"paper": venue_view(accepted=None)})).waiting is not None
    assert reason(observed(venues={"paper": venue_view(compiled=None)})) == "VenueNotAccepted"


def test_a_venue_that_goes_does_not_take_its_strategy_with_it() -> None:
    config = good()
    seen = msgspec.structs.replace(running(observed(), config), venues={})
    found = verdict(seen)
    assert (found.accepted, found.config, found.missing) == (True, config, ("paper",))


def test_the_older_of_two_that_want_one_leg_has_it_then_the_first_by_name() -> None:
    mine = resource()["metadata"]["creationTimestamp"]
    assert reason(observed(rivals=(rival(),))) == "Conflict"
    assert reason(observed(rivals=(rival(created="2027-01-01T00:00:00Z"),))) is None
    assert reason(observed(rivals=(rival(key="desk/aaa", created=mine),))) == "Conflict"
    assert reason(observed(rivals=(rival(key="desk/zzz", created=mine),))) is None
    assert reason(observed(rivals=(rival(refused=True),))) is None


def test_what_a_strategy_owns_already_nobody_takes_by_being_older() -> None:
    assert reason(running(observed(rivals=(rival(),)), good())) is None


names = st.sampled_from(["a", "b", "c"])
days = st.integers(1, 3).map(lambda day: f"2026-01-0{day}T00:00:00Z")


@given(mine=st.tuples(days, names), other=st.tuples(days, names))
def test_exactly_one_of_two_may_have_a_leg(mine: tuple[str, str], other: tuple[str, str]) -> None:
    """I2"""
    if mine[1] == other[1]:
        return

    def accepted(own: tuple[str, str], against: tuple[str, str]) -> bool:
        against_rival = rival(key=f"desk/{against[1]}", created=against[0])
        return reason(observed(resource(name=own[1], created=own[0]), rivals=(against_rival,))) is None

    assert accepted(mine, other) != accepted(other, mine)


def test_what_is_live_under_the_name_but_of_another_resource_is_not_this_ones() -> None:
    seen = observed()
    foreign = published(good(), uid="00000000-0000-4000-8000-000000000000")
    seen = msgspec.structs.replace(seen, ledger=msgspec.structs.replace(seen.ledger, live=foreign))
    assert seen.live is None
