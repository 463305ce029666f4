"""A hash chain per strategy over everything that happened to its intents.

Entry n's hash is SHA-256 over entry n-1's hash and entry n's payload, so that a changed, dropped or inserted
entry breaks every hash after it. The entry that decides an intent holds its terms and a digest of the decision
with its inputs, one that counts executions a digest of them, so that those rows cannot be changed unseen either.
"""

import hashlib
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.domain.money import plain
from hedgerow.execution.intents import Intent, VenueFill
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decision import NewIntent
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.connection import allow_silence

GENESIS = bytes(32)
_BATCH = 500

# Adds the entry $2 to the chain of the strategy $1, hashed as `link` does; $3 is the genesis.
APPEND = """
    insert into chain (strategy_uid, position, payload, hash)
    select $1, coalesce(last.position, 0) + 1, $2::bytea, sha256(coalesce(last.hash, $3::bytea) || $2::bytea)
    from (select) as one left join lateral
        (select position, hash from chain where strategy_uid = $1 order by position desc limit 1) as last on true
"""


class IntentTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes of an intent once it is decided. Decimals as canonical text.

    Attributes:
        decision_digest: SHA-256 (hex) over the decision's stored risk state, snapshot and result.
    """

    decision: int
    decision_digest: str
    generation: int
    leg: int
    mode: str
    venue: str
    account: str
    instrument: str
    side: str
    limit_price: str
    time_in_force: str
    decided_ns: int


class AdoptionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken into the position without an intent. Decimals as canonical text.

    Attributes:
        number: of its row in `adoptions`; execution_id: None where a person said it.
    """

    number: int
    mode: str
    venue: str
    account: str
    instrument: str
    side: str
    price: str
    fee: str
    execution_id: str | None


class ChainEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one intent, or an adoption (of intent 0), as it is hashed. Quantities as canonical decimal text.

    Attributes:
        terms: at the first step.
        executions: `executions_digest` of all that are known, at a step that an answer of the venue caused.
    """

    intent: int
    state: IntentState
    quantity: str
    filled_quantity: str
    reason: str
    time_ns: int
    terms: IntentTerms | None = None
    executions: str | None = None
    adoption: AdoptionTerms | None = None


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found: how many entries were read, and every place where the ledger was tampered with."""

    entries: int
    breaks: list[str]


def digest(risk_state: bytes, snapshot: bytes, decision: bytes) -> str:
    """Digest of a stored decision, hex."""
    return hashlib.sha256(b"".join((risk_state, snapshot, decision))).hexdigest()


def executions_digest(fills: Iterable[VenueFill]) -> str:
    """Digest of an intent's executions, in whatever order they come, hex."""
    lines = sorted(
        f"{fill.execution_id} {plain(fill.quantity)} {plain(fill.price)} {plain(fill.fee)} {fill.time_ns}"
        for fill in fills
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def entry_of_decision(
    intent_id: int, decision: int, decision_digest: str, ledger: LedgerSnapshot, intent: NewIntent
) -> ChainEntry:
    """The first entry of an intent: its terms."""
    return ChainEntry(
        intent=intent_id,
        state=IntentState.DECIDED,
        quantity=plain(intent.quantity),
        filled_quantity="0",
        reason="",
        time_ns=ledger.read_ns,
        terms=IntentTerms(
            decision=decision,
            decision_digest=decision_digest,
            generation=ledger.generation,
            leg=intent.leg,
            mode=ledger.config.mode.value,
            venue=intent.venue,
            account=intent.account,
            instrument=intent.instrument,
            side=intent.side.value,
            limit_price=plain(intent.limit_price),
            time_in_force=intent.time_in_force.value,
            decided_ns=ledger.read_ns,
        ),
    )


def entry_of_step(moved: Intent, now_ns: int, executions: Iterable[VenueFill] | None) -> ChainEntry:
    """The entry of a later step of an intent; `executions` when an answer of the venue caused it."""
    return ChainEntry(
        intent=moved.id,
        state=moved.state,
        quantity=plain(moved.quantity),
        filled_quantity=plain(moved.filled_quantity),
        reason=moved.reason,
        time_ns=now_ns,
        executions=None if executions is None else executions_digest(executions),
    )


def entry_of_adoption(terms: AdoptionTerms, quantity: Decimal, reason: str, now_ns: int) -> ChainEntry:
    """The one entry of an adoption: filled from the start, and of no intent."""
    return ChainEntry(
        intent=0,
        state=IntentState.FILLED,
        quantity=plain(quantity),
        filled_quantity=plain(quantity),
        reason=reason,
        time_ns=now_ns,
        adoption=terms,
    )


def link(previous: bytes, payload: bytes) -> bytes:
    """The hash of an entry that follows `previous`."""
    return hashlib.sha256(previous + payload).digest()


async def append(connection: Any, uid: Any, entry: ChainEntry) -> None:
    """Add an entry. The caller holds the strategy's row, so that entries follow each other."""
    await connection.execute(APPEND, uid, msgspec.json.encode(entry), GENESIS)


async def verify_chain(
    connection: Any, uid: str | None, on_entry: Callable[[], None] = lambda: None
) -> ChainReport:
    """Recompute every hash, and hold each intent's row against the last entry that speaks of it.

    Args:
        uid: of one strategy; None for all.
        on_entry: called after each entry, for those who wait.
    """
    walk = ChainWalk()
    # One reading, so that what is written meanwhile is no difference; a cursor, because history only grows.
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await allow_silence(connection)
        async for row in connection.cursor(
            "select strategy_uid, position, payload, hash from chain "
            "where $1::uuid is null or strategy_uid = $1 order by strategy_uid, position",
            uid,
            prefetch=_BATCH,
        ):
            walk.take(row)
            on_entry()
        differences = await _intents_that_differ(connection, uid, walk.last)
        differences += await _adoptions_that_differ(connection, uid, walk.adoptions)
    return ChainReport(entries=walk.entries, breaks=walk.breaks + differences)


async def count_entries(connection: Any, uid: str | None) -> int:
    """How many entries there are to verify; as `verify_chain`."""
    count: int = await connection.fetchval(
        "select count(*) from chain where $1::uuid is null or strategy_uid = $1", uid
    )
    return count


class ChainWalk:
    """Goes through the entries of one strategy after the other, in their order.

    `last` holds the newest entry of each intent, with what only earlier ones said.
    """

    def __init__(self) -> None:
        self.entries = 0
        self.breaks: list[str] = []
        self.last: dict[int, ChainEntry] = {}
        self.adoptions: dict[int, ChainEntry] = {}
        self._strategy, self._expected, self._previous = None, 1, GENESIS

    def take(self, row: Any) -> None:
        self.entries += 1
        if row["strategy_uid"] != self._strategy:
            self._strategy, self._expected, self._previous = row["strategy_uid"], 1, GENESIS
        at = f"strategy {self._strategy}: entry"
        if row["position"] != self._expected:
            self.breaks.append(f"{at} {self._expected} is missing, {row['position']} follows")
        if link(self._previous, row["payload"]) != row["hash"]:
            self.breaks.append(f"{at} {row['position']} does not match its hash")
        self._expected, self._previous = row["position"] + 1, row["hash"]
        try:
            entry = msgspec.json.decode(row["payload"], type=ChainEntry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.breaks.append(f"{at} {row['position']} cannot be read: {error}")
            return
        if entry.adoption is not None:
            self.adoptions[entry.adoption.number] = entry
            return
        self.last[entry.intent] = _carried(self.last.get(entry.intent), entry)


def _carried(before: ChainEntry | None, entry: ChainEntry) -> ChainEntry:
    """The newest entry of an intent, with what only earlier ones said."""
    if before is None:
        return entry
    executions = before.executions if entry.executions is None else entry.executions
    return msgspec.structs.replace(entry, terms=before.terms, executions=executions)


async def _intents_that_differ(connection: Any, uid: str | None, last: dict[int, ChainEntry]) -> list[str]:
    fills = await _fills_by_intent(connection, uid)
    differences = []
    async for row in connection.cursor(
        "select i.*, d.risk_state, d.snapshot, d.decision as result "
        "from intents i join decisions d on d.id = i.decision "
        "where $1::uuid is null or i.strategy_uid = $1 order by i.id",
        uid,
        prefetch=_BATCH,
    ):
        entry = last.pop(row["id"], None)
        if entry is None:
            differences.append(f"intent {row['id']} is not in the chain")
            continue
        differences += differences_from_chain(row, fills.get(row["id"], []), entry)
    return differences + [f"intent {intent} is in the chain and gone from the table" for intent in last]


async def _adoptions_that_differ(connection: Any, uid: str | None, said: dict[int, ChainEntry]) -> list[str]:
    rows = await connection.fetch(
        "select * from adoptions where $1::uuid is null or strategy_uid = $1 order by id", uid
    )
    differences = [f"adoption {row['id']} is not in the chain" for row in rows if row["id"] not in said]
    found = {row["id"]: _adoption_of(row) for row in rows}
    return differences + [
        f"adoption {number} differs from the chain, or is gone from the table"
        for number, entry in said.items()
        if found.get(number) != (entry.adoption, entry.quantity, entry.reason, entry.time_ns)
    ]


def _adoption_of(row: Any) -> tuple[AdoptionTerms, str, str, int]:
    names = ("mode", "venue", "account", "instrument", "side", "execution_id")
    terms = AdoptionTerms(
        number=row["id"],
        price=plain(row["price"]),
        fee=plain(row["fee"]),
        **{name: row[name] for name in names},
    )
    return terms, plain(row["quantity"]), row["reason"], row["time_ns"]


def differences_from_chain(row: Any, fills: list[VenueFill], entry: ChainEntry) -> list[str]:
    """What an intent's row, its decision's (`risk_state`, `snapshot`, `result`) and its fills say otherwise."""
    found = _found(row, fills)
    return [
        f"intent {row['id']}: {name} is {found[name]!r}, the chain says {said!r}"
        for name, said in _said(entry).items()
        if found[name] != said
    ]


async def _fills_by_intent(connection: Any, uid: str | None) -> dict[int, list[VenueFill]]:
    rows = await connection.fetch(
        "select f.intent, f.execution_id, f.quantity, f.price, f.fee, f.time_ns "
        "from fills f join intents i on i.id = f.intent where $1::uuid is null or i.strategy_uid = $1",
        uid,
    )
    fills: dict[int, list[VenueFill]] = {}
    for row in rows:
        intent, *values = row.values()
        fills.setdefault(intent, []).append(
            VenueFill(**dict(zip(VenueFill.__struct_fields__, values, strict=True)))
        )
    return fills


def _said(entry: ChainEntry) -> dict[str, Any]:
    terms = msgspec.structs.asdict(entry.terms) if entry.terms is not None else {}
    steps = {name: getattr(entry, name) for name in ("quantity", "filled_quantity", "reason")}
    executions = executions_digest([]) if entry.executions is None else entry.executions
    return {"state": entry.state.value, **steps, **terms, "executions": executions}


def _found(row: Any, fills: list[VenueFill]) -> dict[str, Any]:
    decimals = {name: plain(row[name]) for name in ("quantity", "filled_quantity", "limit_price")}
    return {
        **dict(row),
        **decimals,
        "executions": executions_digest(fills),
        "decision_digest": digest(row["risk_state"], row["snapshot"], row["result"]),
    }
