"""Hedging's loop, whatever is in a risk state.

S1  Whatever bytes come as a risk state, they are refused where they are read or when they are decided on, as one dead
    letter with these very bytes, or a decision is made of them; and the strategy behind them is decided.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import hedge_examples as example
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from role_context import RememberingProducer, Sent, role_context
from role_context import settings as worker_settings

from hedgerow.domain.money import LARGEST_MAGNITUDE
from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.decisions import Committed, Trace
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import DeadLetter, HedgeDecided, StrategyState
from hedgerow.schemas.risk_state import RiskState
from hedgerow.streams.context import Subscription
from hedgerow.streams.metrics import worker_metrics
from hedgerow.streams.processor import Processor, RawMessage
from hedgerow_hedging.deciding import Deciding
from hedgerow_hedging.newest import NewestRisk

OTHER_UID = "0f1e2d3c-4b5a-4968-8776-655443322110"
HURT = msgspec.json.decode(encode(example.risk("1.4", strategy="desk/hurt", uid=OTHER_UID)))
TOPIC = "risk.state"
ODD_NUMBERS = (
    "NaN",
    "sNaN",
    "Infinity",
    "-Infinity",
    "0",
    "-0",
    "1e-90",
    "-1e90",
    "1e999999999",
    "1e-999999999",
)
ODD = st.one_of(
    st.sampled_from((None, True, -1, 0, 2**63, -(2**70), "", "\0", "uid", "BTC/USDT", [], {}, *ODD_NUMBERS)),
    st.text(max_size=5),
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in [(*path, key), *_paths(item, (*path, key))]]
    if isinstance(value, list):
        return [
            found for key, item in enumerate(value) for found in [(*path, key), *_paths(item, (*path, key))]
        ]
    return []


@st.composite
def hurt_states(draw: st.DrawFn) -> bytes:
    """A good risk state with up to three fields of it replaced, or taken away."""
    state = json.loads(json.dumps(HURT))
    for path in draw(st.lists(st.sampled_from(_paths(HURT)), min_size=1, max_size=3, unique=True)):
        holder: Any = state
        try:
            for step in path[:-1]:
                holder = holder[step]
            if draw(st.booleans()):
                holder[path[-1]] = draw(ODD)
            else:
                del holder[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took away what this one was in
    return json.dumps(state).encode()


class Ledger:
    """Knows both strategies, and refuses as Postgres does what is no UUID and no text."""

    def __init__(self, stopping: asyncio.Event, on_read: Callable[[], None]) -> None:
        self.stopping, self.on_read = stopping, on_read
        self.decided: set[str] = set()

    async def read(self, uid: str, now_ns: int) -> LedgerSnapshot | None:
        self.on_read()
        try:
            uuid.UUID(uid)
        except ValueError as error:
            raise asyncpg.DataError(str(error)) from error
        return example.snapshot(strategy_uid=uid) if uid in (example.UID, OTHER_UID) else None

    async def commit(
        self, risk: RiskState, ledger: LedgerSnapshot, hedge: Hedge, trace: Trace
    ) -> Committed | None:
        assert "\0" not in trace.cause + trace.stages + trace.traceparent
        self.decided.add(risk.uid)
        if risk.uid == example.UID:
            self.stopping.set()
        return Committed(decision=1, intents=(1,))

    async def close(self) -> None:
        """Nothing is open."""


async def _decide(
    *messages: RawMessage, comes_meanwhile: RawMessage | None = None
) -> tuple[set[str], list[Sent]]:
    """Who was decided, and what was sent, until the last message's strategy was decided.

    Args:
        comes_meanwhile: once, while the ledger is read for the first decision.
    """
    producer = RememberingProducer(DeadLetter | HedgeDecided | StrategyState)
    context = role_context("hedging", producer, worker_settings())
    newest = NewestRisk()
    subscriptions = (Subscription(topic=TOPIC, record_type=RiskState),)
    processor = Processor("hedging", newest, subscriptions, producer, worker_metrics(context.metrics))
    for message in messages:
        processor.process(message)

    to_come = [] if comes_meanwhile is None else [comes_meanwhile]

    def on_read() -> None:
        while to_come:
            processor.process(to_come.pop())

    ledger = Ledger(context.stopping, on_read)

    async def open_ledger(dsn: str) -> Any:
        return ledger

    await asyncio.wait_for(Deciding(context, newest, open_ledger, lambda: example.NOW_NS).run(), 60)
    return ledger.decided, producer.sent


def _message(offset: int, value: bytes, headers: dict[str, bytes] | None = None) -> RawMessage:
    return RawMessage(topic=TOPIC, partition=0, offset=offset, key=b"key", value=value, headers=headers or {})


GOOD = _message(2, encode(example.risk("1.4")))


def _letters(sent: list[Sent]) -> list[DeadLetter]:
    return [item.record for item in sent if isinstance(item.record, DeadLetter)]


@given(hurt_states(), st.binary(max_size=8))
@settings(max_examples=150, deadline=None)
def test_a_bad_risk_state_stops_nobody_else(value: bytes, header: bytes) -> None:
    """S1, for bytes and trace headers that nobody of ours sends."""
    headers = {"hedgerow-cause": header, "hedgerow-stages": header, "traceparent": header}
    decided, sent = asyncio.run(_decide(_message(1, value, headers), GOOD))
    assert example.UID in decided
    letters = _letters(sent)
    assert [letter.value for letter in letters] in ([], [value])
    assert not (letters and OTHER_UID in decided)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"uid": "not-a-uuid"}, "uid"),
        ({"exposures": [{**HURT["exposures"][0], "delta": "NaN"}]}, "the exposure to BTC is NaN"),
        ({"exposures": [{**HURT["exposures"][0], "delta": f"1e{LARGEST_MAGNITUDE + 1}"}]}, "BTC is 1E+101"),
        ({"marks": [{**HURT["marks"][0], "ask": "Infinity"}]}, "the mark of BTC/USDT:USDT is Infinity"),
        # Passes as a record; only the decision finds that it cannot be.
        ({"exposures": []}, "no exposure of BTC"),
    ],
)
def test_what_cannot_be_decided_is_a_dead_letter_with_its_bytes(changes: dict[str, Any], cause: str) -> None:
    value = json.dumps({**HURT, **changes}).encode()
    decided, sent = asyncio.run(_decide(_message(1, value), GOOD))
    assert decided == {example.UID}
    (letter,) = _letters(sent)
    assert letter.value == value
    assert cause in letter.cause


def test_a_state_that_comes_while_a_bad_one_is_decided_on_is_not_dropped_with_it() -> None:
    bad = json.dumps({**HURT, "exposures": []}).encode()
    better = json.dumps({**HURT, "sequence": HURT["sequence"] + 1}).encode()
    decided, sent = asyncio.run(_decide(_message(1, bad), GOOD, comes_meanwhile=_message(3, better)))
    assert decided == {example.UID, OTHER_UID}
    assert [letter.value for letter in _letters(sent)] == [bad]
