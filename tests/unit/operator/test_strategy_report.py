"""What a strategy's status says.

I1  Ready only when the newest generation is accepted, published, and acknowledged by every role that must run it
I2  a report of the same observation changes nothing, so reconciling twice writes once
I3  no number that moves with the market is in the status
"""

from typing import Any

import hedge_examples as example
import msgspec
from hypothesis import given
from hypothesis import strategies as st
from operator_examples import finding, observed, published, resource, running, venue_view

from hedgerow.domain.instruments import LISTINGS
from hedgerow.schemas.acknowledging import executor_role, required_roles
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow_operator.conditions import Status, differs, find
from hedgerow_operator.observed import Observed
from hedgerow_operator.report import LATE_NS, Outcome, Report, report, unreachable
from hedgerow_operator.validate import Refusal, judge

FAILURE = Refusal(reason="KafkaUnreachable", message="Kafka at k:9092 cannot be reached")


def config() -> CompiledStrategy:
    found = judge(observed(), LISTINGS).config
    assert found is not None
    return found


def reported(seen: Observed, failure: Refusal | None = None) -> Report:
    return report(seen, judge(seen, LISTINGS), Outcome(live=seen.live, failure=failure))


def says(found: Report, kind: str) -> tuple[str, str]:
    condition = find(found.status["conditions"], kind)
    assert condition is not None
    return condition.status.value, condition.reason


def notes(found: Report) -> list[str]:
    return [note.reason for note in found.notes]


def with_status(seen: Observed, found: Report) -> Observed:
    return msgspec.structs.replace(seen, resource={**seen.resource, "status": found.status})


def test_a_running_strategy_is_ready_and_healthy() -> None:
    found = reported(running(observed(), config()))
    assert [says(found, kind)[0] for kind in ("Accepted", "Published", "Ready", "Degraded")] == [
        "True",
        "True",
        "True",
        "False",
    ]
    assert (found.status["generation"], found.status["mode"], found.status["state"]) == (
        1,
        "Paper",
        "InsideBand",
    )
    assert notes(found) == ["Published"]


roles = st.sets(st.sampled_from(sorted(required_roles(config()) | {executor_role("desk/other")})))


@given(acknowledged=roles, refused=st.booleans(), failed=st.booleans(), late=st.booleans())
def test_ready_and_idempotence(acknowledged: set[str], refused: bool, failed: bool, late: bool) -> None:
    """I1, I2"""
    upper = "-30000" if refused else "25000"
    policy = {"type": "Band", "band": [{"underlying": "BTC", "lower": "-25000", "upper": upper}]}
    seen = running(observed(resource(generation=2, policy=policy)), config(), generation=1 if refused else 2)
    now_ns = example.NOW_NS + (LATE_NS if late else 0)
    seen = msgspec.structs.replace(seen, acknowledged=frozenset(acknowledged), now_ns=now_ns)
    found = reported(seen, FAILURE if failed else None)
    everybody = required_roles(config()) <= acknowledged
    assert (says(found, "Ready")[0] == "True") == (everybody and not refused and not failed)
    again = reported(with_status(seen, found), FAILURE if failed else None)
    assert not differs(found.status, again.status)
    assert again.notes == ()


def test_another_venues_executor_does_not_count() -> None:
    others = required_roles(config()) - {executor_role(example.VENUE)} | {executor_role("desk/other")}
    seen = msgspec.structs.replace(running(observed(), config()), acknowledged=others)
    late = msgspec.structs.replace(seen, now_ns=example.NOW_NS + LATE_NS)
    assert says(reported(seen), "Ready") == ("False", "WaitingForRoles")
    assert reported(seen).look_again_s is not None
    condition = find(reported(late).status["conditions"], "Ready")
    assert condition is not None
    assert condition.message.endswith("by: executor:desk/paper")


def test_a_refused_edit_says_what_goes_on() -> None:
    policy = {"type": "Band", "band": [{"underlying": "BTC", "lower": "1", "upper": "0"}]}
    found = reported(running(observed(resource(generation=2, policy=policy)), config()))
    assert says(found, "Accepted") == ("False", "Invalid")
    assert says(found, "Published") == ("True", "Published")
    assert says(found, "Ready") == ("False", "NotAccepted")
    assert says(found, "Degraded") == ("True", "LastGoodLive")
    assert (found.status["observedGeneration"], found.status["generation"]) == (2, 1)
    condition = find(found.status["conditions"], "Accepted")
    assert condition is not None
    assert condition.message.endswith("(generation 1 stays live)")
    assert "Invalid" in notes(found)


def test_the_policy_is_that_of_what_is_live() -> None:
    curve = {"underlying": "BTC", "knots": [{"score": "0", "hedgeFraction": "0"}]}
    policy = {"type": "SentimentCurve", "sentimentCurve": [curve]}
    edited = observed(resource(generation=2, policy=policy))
    assert reported(running(edited, config(), generation=2)).status["policy"] == "SentimentCurve"
    # Its curve does not reach score 1, so the band of generation 1 goes on.
    assert reported(running(edited, config(), generation=1)).status["policy"] == "Band"
    unkept = msgspec.structs.replace(running(edited, config(), generation=1), last_good=None)
    assert "policy" not in reported(unkept).status


def test_what_keeps_it_from_hedging_is_said_the_hardest_first() -> None:
    seen = running(observed(), config())
    stale = msgspec.structs.replace(seen, state=msgspec.structs.replace(seen.state, state="Stale"))
    assert says(reported(stale), "Degraded") == ("True", "StaleInput")
    unfilled = msgspec.structs.replace(seen, state=msgspec.structs.replace(seen.state, state="Unfilled"))
    assert says(reported(unfilled), "Degraded") == ("True", "HedgeUnfilled")
    assert "HedgeUnfilled" in notes(reported(unfilled))
    down = msgspec.structs.replace(stale, venues={"paper": venue_view(ready=finding("Ready", Status.FALSE))})
    assert says(reported(down), "Degraded") == ("True", "VenueNotReady")
    halted = msgspec.structs.replace(down, ledger=msgspec.structs.replace(seen.ledger, halts=("All: drill",)))
    assert says(reported(halted), "Degraded") == ("True", "Halted")
    gone = msgspec.structs.replace(halted, venues={})
    assert says(reported(gone), "Degraded") == ("True", "VenueNotFound")
    assert says(reported(gone), "Accepted")[0] == "True"
    assert says(reported(gone, FAILURE), "Degraded") == ("True", "KafkaUnreachable")


def test_when_nobody_runs_a_role_any_more_nothing_old_is_shown_as_true() -> None:
    seen = running(observed(), config())
    silent = msgspec.structs.replace(with_status(seen, reported(seen)), silent=("hedging", "risk"))
    found = reported(silent)
    assert says(found, "Ready") == ("Unknown", "RoleSilent")
    assert says(found, "Degraded") == ("True", "RoleSilent")
    assert found.status["state"] == "Unknown"
    assert notes(found) == ["RoleSilent"]
    condition = find(found.status["conditions"], "Ready")
    assert condition is not None
    assert "hedging, risk" in condition.message
    again = reported(msgspec.structs.replace(with_status(silent, found), silent=()))
    assert (says(again, "Ready")[0], again.status["state"]) == ("True", "InsideBand")


def test_trouble_and_its_end_are_one_event_each() -> None:
    seen = running(observed(), config())
    first = reported(seen)
    halted = msgspec.structs.replace(
        with_status(seen, first), ledger=msgspec.structs.replace(seen.ledger, halts=("All: drill",))
    )
    second = reported(halted)
    assert notes(second) == ["Halted"]
    assert notes(reported(with_status(halted, second))) == []
    assert notes(reported(with_status(seen, second))) == ["Recovered"]


def test_the_state_of_an_older_generation_is_not_this_ones() -> None:
    seen = running(observed(), config())
    state = msgspec.structs.replace(seen.state, generation=0, state="OutsideBand")
    new = msgspec.structs.replace(seen, state=state)
    assert reported(new).status["state"] == "Pending"
    kept = {**new.resource, "status": {"state": "InsideBand"}}
    assert reported(msgspec.structs.replace(new, resource=kept)).status["state"] == "InsideBand"


def numbers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [item for part in value.values() for item in numbers(part)]
    if isinstance(value, list):
        return [item for part in value for item in numbers(part)]
    return [value] if isinstance(value, (int, float)) else []


def test_only_generations_are_numbers() -> None:
    """I3"""
    assert set(numbers(reported(running(observed(), config())).status)) == {1}


def test_a_ledger_that_is_away_leaves_what_was_known_and_says_that_it_may_be_old() -> None:
    seen = running(observed(), config())
    known = with_status(seen, reported(seen))
    failure = Refusal(reason="LedgerUnreachable", message="the ledger cannot be reached")
    found = unreachable(1, known.resource, failure, example.NOW_NS)
    assert says(found, "Degraded") == ("True", "LedgerUnreachable")
    assert says(found, "Ready")[0] == "True"
    assert found.status["generation"] == 1
    newer = unreachable(2, known.resource, failure, example.NOW_NS)
    assert says(newer, "Ready") == ("False", "LedgerUnreachable")
    assert says(newer, "Accepted") == ("False", "LedgerUnreachable")


def test_a_publication_under_the_same_generation_is_no_news() -> None:
    seen = running(observed(), config())
    found = report(seen, judge(seen, LISTINGS), Outcome(live=published(config())))
    assert says(found, "Ready")[0] == "True"
