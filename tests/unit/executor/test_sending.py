"""What the executor makes of each end that a send can have, and how it follows its keys, on a pretended venue."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import hedge_examples as example
import msgspec
import prometheus_client
import pytest
from role_context import RememberingProducer, role_context, settings

from hedgerow.adapters.venue import (
    AlreadyThere,
    NoAnswer,
    NotSent,
    VenueClient,
    VenueRejected,
    VenueUnavailable,
    VenueUnfit,
)
from hedgerow.execution.claim_facts import VenueView
from hedgerow.execution.conclusion import Contradiction, conclude
from hedgerow.execution.intents import Intent, VenueFill, VenueOrder
from hedgerow.execution.order_life import IntentState, require_edge
from hedgerow.ledger.claims import Claim
from hedgerow.ledger.halts import HaltTarget
from hedgerow.ledger.outcomes import Outcome
from hedgerow.schemas.records import HedgeConcluded
from hedgerow_executor import keys
from hedgerow_executor.account import Account
from hedgerow_executor.account_ledger import AccountLedger
from hedgerow_executor.claiming import claim_loop
from hedgerow_executor.metrics import build_metrics

S = IntentState
PATIENCE_S = 60.0


class OneIntent:
    """A ledger of one intent; `states` are the steps of its life."""

    def __init__(self) -> None:
        self.intent = example.intent()
        self.states: list[IntentState] = []

    def _step(self, state: IntentState, **changes: Any) -> Outcome:
        require_edge(self.intent.state, state)
        self.intent = msgspec.structs.replace(self.intent, state=state, **changes)
        self.states.append(state)
        return Outcome(intent=self.intent, changed=True)

    async def open_intents(self) -> list[Intent]:
        return [self.intent]

    async def claim(self, number: int, seen: VenueView, now_ns: int) -> Claim:
        taken = self._step(S.SENDING, claimed_ns=now_ns, client_order_id="hr-1")
        return Claim(intent=taken.intent, refusal=None)

    async def record_state(self, number: int, state: IntentState, reason: str, now_ns: int) -> Outcome:
        return self._step(state, reason=reason)

    async def record_answer(self, number: int, order: str, answer: str, now_ns: int) -> Outcome:
        return self._step(S.ACCEPTED)

    async def record_outcome(
        self, number: int, order: VenueOrder, fills: list[VenueFill], now_ns: int
    ) -> Outcome:
        concluded = conclude(self.intent, order, fills)
        return self._step(concluded.state, filled_quantity=concluded.filled_quantity)


class PretendedVenue:
    """Ends its one send as it is told; every order that it is asked about is filled."""

    def __init__(self, end: Exception | None) -> None:
        self.end = end
        self.sent = 0
        self.market_problems: dict[str, str] = {}
        self.wait_ns = 0
        self.asked_to_wait = asyncio.Event()
        self.keys: list[tuple[str, str]] = []
        self.refuses_keys: Exception | None = None
        self.market_problems: dict[str, str] = {}

    def order_wait_ns(self) -> int:
        self.asked_to_wait.set()
        return self.wait_ns

    async def send(self, intent: Intent) -> str:
        self.sent += 1
        if self.end is not None:
            raise self.end
        return "v1"

    async def find_order(self, intent: Intent) -> VenueOrder:
        return example.order(S.FILLED, "0.5")

    async def fills(self, intent: Intent) -> list[VenueFill]:
        return [example.fill("x1", "0.5")]

    async def use_keys(self, api_key: str, secret: str) -> None:
        if self.refuses_keys is not None:
            raise self.refuses_keys
        self.keys.append((api_key, secret))


NewAccount = Callable[[PretendedVenue], Account]


@pytest.fixture
def new_account() -> Iterator[NewAccount]:
    made: list[Account] = []

    def new_account(venue: PretendedVenue) -> Account:
        account = Account(
            context=role_context("executor", RememberingProducer(HedgeConcluded), settings()),
            venue_key="desk/paper",
            name="hedge-01",
            opened="bybit Paper",
            venue=cast(VenueClient, venue),
            pool=cast(Any, None),
            ledger=cast(AccountLedger, OneIntent()),
            metrics=build_metrics(prometheus_client.CollectorRegistry()),
            tickers={},
            traces=None,
        )
        made.append(account)
        return account

    yield new_account
    for account in made:
        account.context.stopping.set()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.005)


def value(metric: Any) -> float:
    return cast(float, metric._value.get())


@pytest.mark.parametrize(
    ("end", "states"),
    [
        (None, [S.SENDING, S.ACCEPTED, S.FILLED]),
        (VenueRejected("110007"), [S.SENDING, S.REJECTED]),
        (NotSent("10006"), [S.SENDING, S.UNKNOWN, S.ABANDONED]),
        (AlreadyThere("110072"), [S.SENDING, S.UNKNOWN, S.FILLED]),
        (NoAnswer("timeout"), [S.SENDING, S.UNKNOWN]),
    ],
)
async def test_each_end_of_a_send_leads_to_its_states_and_to_no_second_send(
    new_account: NewAccount, end: Exception | None, states: list[IntentState]
) -> None:
    venue = PretendedVenue(end)
    account = new_account(venue)
    ledger = cast(OneIntent, account.ledger)
    claiming = asyncio.create_task(claim_loop(account, asyncio.Event()))
    await until(lambda: ledger.states == states and not account.following)
    account.context.stopping.set()
    await asyncio.wait_for(claiming, PATIENCE_S)
    assert (ledger.states, venue.sent) == (states, 1)
    assert not account.failed.done()
    assert value(account.metrics.not_sent.labels("hedge-01")) == isinstance(end, NotSent)


async def test_nothing_is_claimed_while_the_venue_wants_no_order(new_account: NewAccount) -> None:
    venue = PretendedVenue(None)
    venue.wait_ns = 1
    account = new_account(venue)
    ledger = cast(OneIntent, account.ledger)
    woken = asyncio.Event()
    claiming = asyncio.create_task(claim_loop(account, woken))
    await until(lambda: value(account.metrics.order_waits.labels("hedge-01")) >= 1)
    assert (ledger.states, venue.sent) == ([], 0)
    venue.wait_ns = 0
    woken.set()
    await until(lambda: ledger.states[-1:] == [S.FILLED])
    account.context.stopping.set()
    await asyncio.wait_for(claiming, PATIENCE_S)
    assert venue.sent == 1


def write(folder: Path, api_key: str, secret: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "apiKey").write_text(f"{api_key}\n")
    (folder / "secret").write_text(f"{secret}\n")


@pytest.mark.parametrize("refusal", [VenueUnfit("of another account"), VenueUnavailable("10003")])
async def test_keys_are_followed_and_those_that_cannot_be_used_are_tried_again(
    new_account: NewAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    monkeypatch.setattr(keys, "FOLLOW_EVERY_S", 0.01)
    venue = PretendedVenue(None)
    account = new_account(venue)
    folder = tmp_path / "hedge-01"
    write(folder, "old", "one")
    following = asyncio.create_task(keys.key_loop(account, folder, ("old", "one")))
    refused = account.metrics.keys_refused.labels("hedge-01")
    venue.refuses_keys = refusal
    write(folder, "new", "two")
    await until(lambda: value(refused) == 1)
    assert venue.keys == []
    venue.refuses_keys = None
    await until(lambda: value(refused) == 0)
    assert venue.keys[-1] == ("new", "two")
    (folder / "secret").unlink()
    await until(lambda: value(refused) == 1)
    write(folder, "new", "two")
    await until(lambda: value(refused) == 0)
    assert not following.done()
    following.cancel()


class HaltsOnceBack(OneIntent):
    """Loses the connection over the first halt."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.halts: list[str] = []

    async def place_halt(self, target: HaltTarget, source: str, reason: str, now_ns: int) -> int:
        self.asked += 1
        if self.asked == 1:
            raise ConnectionError("the ledger is away")
        self.halts.append(reason)
        return len(self.halts)


async def test_a_contradiction_halts_its_venue_also_when_the_ledger_was_away_at_first(
    new_account: NewAccount,
) -> None:
    async def contradicts(account: Account, intent: Intent) -> None:
        raise Contradiction("more was executed than ordered")

    account, ledger = new_account(PretendedVenue(None)), HaltsOnceBack()
    account.ledger = cast(AccountLedger, ledger)
    for _ in range(3):
        account.follow(ledger.intent, contradicts)
        await asyncio.gather(*account.tasks)
    assert ledger.halts == ["intent 1: more was executed than ordered"]
    assert not account.failed.done()
