"""What a Venue's conditions say, and the steps of a deletion.

I1  a strategy that flattens is let go only when nothing is held and nothing open, or when its time is over
"""

from typing import Any

import hedge_examples as example
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from operator_examples import NOTHING, published

from hedgerow.strategy.halt import Halt
from hedgerow.strategy.parse import parse_halt
from hedgerow_operator.conditions import Status, find
from hedgerow_operator.deletion import next_step
from hedgerow_operator.halts import halt_target
from hedgerow_operator.objects import build_event, build_last_good, read_last_good
from hedgerow_operator.observed import Held
from hedgerow_operator.report import Note
from hedgerow_operator.validate import Refusal
from hedgerow_operator.venue_report import judge_venue, report_venue, secret_problem

HELD = Held(positions=("-0.5 contracts of BTC/USDT:USDT on account hedge-01",), open_intents=())


def venue(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "hedgerow.dev/v1alpha1",
        "kind": "Venue",
        "metadata": {"name": "paper", "namespace": "desk", "uid": "u", "generation": 1},
        "spec": {
            "type": "Builtin",
            "environment": "Paper",
            "account": {"id": "hedge-01"},
            "credentials": {"trade": {"secretRef": {"name": "keys"}}},
            "limits": {"maxGrossNotional": "5", "ordersPerSecond": 1},
        }
        | spec,
    }


def secret(*keys: str) -> dict[str, Any]:
    return {"metadata": {"name": "keys", "namespace": "desk"}, "keys": list(keys)}


@pytest.mark.parametrize(
    ("body", "keys", "reason", "words"),
    [
        (venue(), secret("apiKey", "secret"), None, ""),
        (venue(), None, "SecretNotFound", "there is no Secret keys in namespace desk"),
        (
            venue(),
            secret("apiKey", "token"),
            "SecretKeyMissing",
            "has no entry secret (it has apiKey, token)",
        ),
        (
            venue(credentials=None),
            None,
            "CredentialsMissing",
            "spec.credentials.trade.secretRef.name: is missing",
        ),
        (venue(trading="Perhaps"), None, "Invalid", 'spec.trading: "Perhaps"'),
    ],
)
def test_a_venue_is_accepted_when_its_spec_and_its_secret_are_right(
    body: dict[str, Any], keys: dict[str, Any] | None, reason: str | None, words: str
) -> None:
    verdict = judge_venue(body, keys, {}, [])
    assert (verdict.refusal.reason if verdict.refusal else None) == reason
    assert words in (verdict.refusal.message if verdict.refusal else "")
    assert (verdict.venue is not None) == (reason is None)


def test_the_ledger_knows_a_venue_whose_secret_is_still_missing() -> None:
    assert judge_venue(venue(), None, {}, []).compiled is not None


def test_one_account_has_one_venue() -> None:
    other = msgspec.structs.replace(example.venue(), name="other")
    verdict = judge_venue(venue(), secret("apiKey", "secret"), {other.key: other}, [])
    assert verdict.refusal is not None
    assert "is already the account of Venue desk/other" in verdict.refusal.message


def deployment(ready: int, observed_generation: int = 2) -> dict[str, Any]:
    status = {"observedGeneration": observed_generation, "readyReplicas": ready}
    return {"metadata": {"name": "paper-executor", "generation": 2}, "status": status}


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (None, "NoExecutor"),
        (deployment(0), "ExecutorNotReady"),
        (deployment(1, observed_generation=1), "ExecutorNotReady"),
        (deployment(1), "ExecutorReady"),
    ],
)
def test_a_venue_is_ready_when_its_executor_is(there: dict[str, Any] | None, reason: str) -> None:
    condition = find(report_venue(venue(), None, there, 0).status["conditions"], "Ready")
    assert condition is not None
    assert condition.reason == reason


UNREAD = secret_problem("ro", "desk", None, "the collector of accounts")


@pytest.mark.parametrize(
    ("refusal", "collector", "reason", "words"),
    [
        (UNREAD, None, "SecretNotFound", "there is no Secret ro in namespace desk"),
        (None, deployment(0), "CollectorNotReady", "see `kubectl describe deployment"),
        (None, deployment(1), "CollectorReady", "reads the account"),
    ],
)
def test_a_venue_with_a_read_key_says_whether_its_account_is_collected(
    refusal: Refusal | None, collector: dict[str, Any] | None, reason: str, words: str
) -> None:
    report = report_venue(venue(), None, deployment(1), 0, refusal, collector)
    condition = find(report.status["conditions"], "Collecting")
    assert condition is not None
    assert condition.reason == reason
    assert words in condition.message
    assert [note.reason for note in report.notes if note.reason != "Accepted"] == (
        [reason] if condition.status is Status.FALSE else []
    )


def test_a_venue_without_a_read_key_says_nothing_of_it() -> None:
    conditions = report_venue(venue(), None, deployment(1), 0).status["conditions"]
    assert [item["type"] for item in conditions] == ["Accepted", "Ready"]


@given(
    flattening=st.booleans(),
    held=st.sampled_from([NOTHING, HELD, Held(positions=(), open_intents=(7,))]),
    seconds_left=st.sampled_from([-1.0, 1.0]),
)
def test_a_flattening_strategy_is_let_go_when_flat_or_late(
    flattening: bool, held: Held, seconds_left: float
) -> None:
    """I1"""
    live = published(example.strategy(flatten=flattening))
    step = next_step("Flatten", live, held, seconds_left)
    assert step.let_go == ((flattening and held.flat) or seconds_left <= 0)
    assert step.flatten == (not flattening and not step.let_go)
    if step.let_go and not (flattening and held.flat):
        assert step.note is not None
        assert (step.note.reason, step.note.warning) == ("FlattenDeadline", True)


def test_a_retained_hedge_is_named() -> None:
    live = published(example.strategy())
    step = next_step("Retain", live, HELD, 10)
    assert step.let_go
    assert step.note is not None
    assert "-0.5 contracts of BTC/USDT:USDT" in step.note.message
    assert next_step("Retain", live, NOTHING, 10).note is None
    assert next_step("Flatten", None, NOTHING, 10).let_go


def test_an_event_says_the_same_under_the_same_name() -> None:
    body = venue() | {"kind": "HedgeStrategy"}
    note = Note(warning=True, reason="Invalid", message="m")
    first, again = build_event(body, note, 1), build_event(body, note, 10**12)
    assert first["metadata"]["name"] == again["metadata"]["name"]
    other = build_event(body, Note(warning=True, reason="Invalid", message="n"), 1)
    assert other["metadata"]["name"] != first["metadata"]["name"]


def test_the_last_good_spec_is_read_back_as_it_was() -> None:
    body = venue() | {"kind": "HedgeStrategy"}
    body["metadata"]["uid"] = example.UID
    good = read_last_good(build_last_good(body))
    assert (good.generation, good.spec) == (1, body["spec"])


@pytest.mark.parametrize(
    ("target", "kind", "name"),
    [
        ({"strategy": "btc"}, "Strategy", "desk/btc"),
        ({"venue": "paper"}, "Venue", "desk/paper"),
        ({"all": True}, "All", ""),
    ],
)
def test_a_halt_names_its_target_in_its_own_namespace(target: dict[str, Any], kind: str, name: str) -> None:
    body = {
        "apiVersion": "hedgerow.dev/v1alpha1",
        "kind": "Halt",
        "metadata": {"namespace": "desk", "name": "h"},
        "spec": {"target": target, "reason": "exchange incident"},
    }
    parsed = parse_halt(body)
    assert isinstance(parsed, Halt)
    found = halt_target(parsed)
    assert (found.kind, found.name) == (kind, name)
