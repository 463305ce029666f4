"""Bugs that are planted here, and only here: each must break an invariant within a bounded number of seeds, which hold
without the bug."""

from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
import pytest

from hedgerow.adapters.venue import NoAnswer, VenueRejected
from hedgerow.domain.ids import client_order_id
from hedgerow.execution.claim_facts import VenueView
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import AT_VENUE, IntentState
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.continuity import SOURCE as PROMOTED
from hedgerow.ledger.halts import HaltTarget
from hedgerow_executor import claiming, following, reconciling
from hedgerow_executor.account import Account
from hedgerow_simulator import promoted, tables
from hedgerow_simulator.plan import Plan, draw_plan
from hedgerow_simulator.run import LEDGER_ID, simulate
from hedgerow_simulator.tables import Tables
from hedgerow_simulator.venue import SimulatedVenueClient

MOST_SEEDS = 40
IN_FLIGHT = (IntentState.SENDING, IntentState.UNKNOWN)


def _caught(
    planted: pytest.MonkeyPatch, broken: str, words: str, plan: Callable[[int], Plan] = draw_plan
) -> bool:
    """Whether a seed breaks this invariant in these words. Without the bug, the seeds up to there hold."""
    caught = False
    for seed in range(MOST_SEEDS):
        found = simulate(seed, plan(seed)).violations
        caught = any(item.startswith(broken) and words in item for item in found)
        if caught:
            break
    planted.undo()
    assert [simulate(tried, plan(tried)).violations for tried in range(seed + 1)] == [()] * (seed + 1)
    return caught


def _contended(seed: int) -> Plan:
    """Strategies change hands all the time, commits are slow, and orders are filled at once."""
    return msgspec.structs.replace(
        draw_plan(seed),
        rebalance_every_s=0.3,
        slow=0.05,
        clients_every_s=0.3,
        depth=0.02,
        kill=0.0,
        halts=0,
        drop_request=0.0,
        drop_reply=0.0,
        late_request=0.0,
        late_reply=0.0,
        refuse=0.0,
        hide=0.0,
        crash_venue_every_s=0.0,
    )


def _promoted(seed: int) -> Plan:
    """Orders are filled all the while, and the ledger loses its tail twice."""
    plan = draw_plan(seed)
    return msgspec.structs.replace(plan, promotions=2, clients_every_s=0.3, clock_skew_ms=0.0, pause=0.0)


def test_sending_before_the_claim_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def send_then_claim(account: Account, decided: Intent) -> None:
        early = msgspec.structs.replace(
            decided, client_order_id=client_order_id(LEDGER_ID, decided.id), claimed_ns=account.now_ns()
        )
        try:
            await account.venue.send(early)
        except (NoAnswer, VenueRejected):
            return
        seen = VenueView(opened=account.opened, tickers=dict(account.tickers))
        taken = await account.ledger.claim(decided.id, seen, account.now_ns())
        if taken is not None and taken.refusal is None:
            await following.follow_order(account, taken.intent)

    monkeypatch.setattr(claiming, "_claim_and_send", send_then_claim)
    assert _caught(monkeypatch, "I2", "before its claim")


def test_committing_without_compare_and_set_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def same_generation(ledger: Tables, seen: LedgerSnapshot) -> bool:
        return ledger.strategies[seen.strategy_uid].published.generation == seen.generation

    monkeypatch.setattr(Tables, "is_current", same_generation)
    assert _caught(monkeypatch, "I3", "saw a position", plan=_contended)


def test_resending_after_a_timeout_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    send = SimulatedVenueClient.send

    async def send_again(client: SimulatedVenueClient, intent: Intent) -> str:
        try:
            return await send(client, intent)
        except NoAnswer:
            return await send(client, intent)

    monkeypatch.setattr(SimulatedVenueClient, "send", send_again)
    assert _caught(monkeypatch, "I2", "was sent 2 times")


def test_a_decision_that_forgets_what_is_in_flight_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Tables.read_snapshot

    def forgetful(ledger: Tables, uid: str, now_ns: int) -> LedgerSnapshot | None:
        seen = read(ledger, uid, now_ns)
        if seen is None:
            return None
        known = tuple(intent for intent in seen.open_intents if intent.state not in IN_FLIGHT)
        return msgspec.structs.replace(seen, open_intents=known)

    monkeypatch.setattr(Tables, "read_snapshot", forgetful)
    assert _caught(monkeypatch, "hedging", "intents_open_leg")


def test_a_resolver_that_forgets_what_is_in_flight_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "AT_VENUE", AT_VENUE - set(IN_FLIGHT))
    assert _caught(monkeypatch, "I4", "is still")


def test_a_random_client_order_id_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count(1)
    monkeypatch.setattr(tables, "client_order_id", lambda ledger, intent: f"hr-random-{next(numbers)}")
    assert _caught(monkeypatch, "I1", "does not carry the name")


def test_a_client_order_id_that_is_made_anew_at_the_send_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    send, numbers = SimulatedVenueClient.send, count(1)

    async def send_under_another_name(client: SimulatedVenueClient, intent: Intent) -> str:
        return await send(client, msgspec.structs.replace(intent, client_order_id=f"hr-{next(numbers)}"))

    monkeypatch.setattr(SimulatedVenueClient, "send", send_under_another_name)
    assert _caught(monkeypatch, "I1", "is no intent")


def test_taking_unknown_for_failed_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    conclude = claiming._conclude

    async def give_up(account: Account, intent: Intent, state: IntentState, reason: str) -> None:
        known: Any = IntentState.REJECTED if state is IntentState.UNKNOWN else state
        await conclude(account, intent, known, reason)

    monkeypatch.setattr(claiming, "_conclude", give_up)
    assert _caught(monkeypatch, "I4", "in the ledger")


def test_a_lost_tail_that_is_never_taken_in_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing_lost(account: Account) -> int:
        return 0

    monkeypatch.setattr(reconciling, "adopt_lost", nothing_lost)
    assert _caught(monkeypatch, "I4", "1 at the venue, 0 in the ledger", plan=_promoted)


def test_a_promoted_ledger_that_keeps_its_name_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promoted, "uuid5", lambda name, _: name)
    assert _caught(monkeypatch, "I2", "was sent 2 times", plan=_promoted)


def test_a_promoted_ledger_that_does_not_wait_for_agreement_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Tables.place_halt

    def place_what_others_say(ledger: Tables, target: HaltTarget, source: str, reason: str) -> int:
        return 0 if source == PROMOTED else place(ledger, target, source, reason)

    monkeypatch.setattr(Tables, "place_halt", place_what_others_say)
    assert _caught(monkeypatch, "I2", "before venue and promoted ledger agreed", plan=_promoted)
