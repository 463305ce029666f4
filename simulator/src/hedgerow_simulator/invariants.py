"""What must hold after every run, looked up in the places themselves: venue, wire, ledger, log.

I1 balanced: venue position = ledger position = recount of executions, and every venue order is exactly one intent, or
   one whose claim was lost with a ledger's tail
I2 each intent left at most once, after its claim and while nothing was halted, none was claimed by a promoted ledger
   before it agreed with the venue, and no leg ever had two open intents
I3 each decision was made on the ledger as it stood when the decision was committed
I4 every intent is terminal, and every execution of the venue is in the ledger once, adopted ones included
I5 flat inside the band once faults stop, with nothing halted
I6 replaying `risk.inputs` gives byte-equal `risk.state`; each stored decision replays to byte-equal intents
I7 the hash chain verifies, and the ledger's rows are what it says
I8 flat within one lot of the band
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import msgspec

from hedgerow.domain.ids import intent_of
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import signed
from hedgerow.execution.intents import VenueFill
from hedgerow.execution.order_life import OPEN, IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.chain import ChainWalk, differences_from_chain
from hedgerow.ledger.continuity import SOURCE as PROMOTED
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.codec import Decoder, UndecodableRecord, encode
from hedgerow.schemas.records import DeadLetter, RiskInput
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import DEAD_LETTERS, RISK_INPUTS, RISK_STATE
from hedgerow_simulator.ledger import LedgerServer
from hedgerow_simulator.log import PARTITIONS, Log
from hedgerow_simulator.plan import ACCOUNT, SYMBOL, UID
from hedgerow_simulator.tables import Adoption, Change, Tables
from hedgerow_simulator.venue import SimulatedVenue

_inputs: Decoder[RiskInput] = Decoder(RiskInput)
_letters: Decoder[DeadLetter] = Decoder(DeadLetter)


def violations(ledger: LedgerServer, venue: SimulatedVenue, log: Log) -> list[str]:
    """Every broken invariant in words; empty is what is wanted."""
    tables = ledger.tables
    return [
        *_balanced(ledger, venue),
        *_sent_once(tables, venue),
        *_agreed_before_claimed(ledger),
        *_one_open_per_leg(tables),
        *_decided_on_what_was(tables),
        *_concluded(tables, venue),
        *_inside_band(tables),
        *_risk_replays(log),
        *_decisions_replay(tables),
        *_chain_verifies(tables),
        *_buried(log),
    ]


def excess(tables: Tables) -> Decimal:
    """How far the book and its hedge are outside the band, in BTC."""
    band = tables.strategies[UID].published.config.bands[0]
    net = tables.book.get(SYMBOL, ZERO) + _ledger_position(tables)
    return net - band.upper if net > band.upper else min(net - band.lower, ZERO)


def is_settled(tables: Tables) -> bool:
    """Whether nothing is open and the book is as flat as it can be."""
    if any(intent.state in OPEN for intent in tables.intents.values()):
        return False
    return _is_flat(tables)


def _is_flat(tables: Tables) -> bool:
    """Inside the band; in a band that is narrower than a lot, within that lot."""
    band, lot = tables.strategies[UID].published.config.bands[0], find_instrument(SYMBOL).lot_size
    outside = abs(excess(tables))
    return outside == 0 or (outside < lot and band.upper - band.lower < lot)


def _ledger_position(tables: Tables) -> Decimal:
    return sum((position.quantity for position in tables.positions.values()), ZERO)


def _balanced(ledger: LedgerServer, venue: SimulatedVenue) -> Iterator[str]:
    tables = ledger.tables
    account = venue.engine.accounts[ACCOUNT]
    at_venue, in_ledger = account.position(SYMBOL).quantity, _ledger_position(tables)
    recount = sum((signed(item.side, item.exec_qty) for item in account.executions), ZERO)
    if not at_venue == in_ledger == recount:
        yield f"I1 the venue holds {at_venue:f}, its executions {recount:f}, the ledger {in_ledger:f}"
    for order in account.orders.values():
        number = tables.orders.get(order.order_link_id)
        if number is None and order.order_link_id in ledger.lost_orders:
            continue  # Its executions must have been taken in.
        if number is None:
            yield f"I1 order {order.order_link_id} of the venue is no intent"
            continue
        giver = _giver(tables, order.order_link_id)
        if giver is None or intent_of(giver, order.order_link_id) != number:
            yield f"I1 order {order.order_link_id} does not carry the name of intent {number}"
        intent = tables.intents[number]
        said = (order.symbol, order.side, order.qty, order.price)
        if said != (intent.instrument, intent.side, intent.quantity, intent.limit_price):
            yield f"I1 order {order.order_link_id} is {said}, intent {number} says otherwise"


def _sent_once(tables: Tables, venue: SimulatedVenue) -> Iterator[str]:
    # A promoted ledger gives the numbers of its lost tail again, under another name of its own.
    names = Counter((sent.intent, _giver(tables, sent.client_order_id)) for sent in venue.sent)
    for (number, _), times in names.items():
        if times > 1:
            yield f"I2 intent {number} was sent {times} times"
    for sent in venue.sent:
        if not sent.claimed:
            yield f"I2 {sent.client_order_id} (intent {sent.intent}) was sent before its claim was in the ledger"
    for index, change in _claims(tables):
        for halt in tables.halts.values():
            if halt.placed_at <= index and (halt.released_at is None or index < halt.released_at):
                yield f"I2 intent {change.intent.id} was claimed while halt {halt.id} stood: {halt.reason}"


def _agreed_before_claimed(ledger: LedgerServer) -> Iterator[str]:
    for index, change in _claims(ledger.tables):
        for promoted_at in ledger.promoted_at:
            if index >= promoted_at and not any(
                halt.source == PROMOTED
                and halt.placed_at >= promoted_at
                and halt.released_at is not None
                and halt.released_at <= index
                for halt in ledger.tables.halts.values()
            ):
                yield f"I2 intent {change.intent.id} was claimed before venue and promoted ledger agreed"


def _claims(tables: Tables) -> Iterator[tuple[int, Change]]:
    for index, change in enumerate(tables.changes):
        if isinstance(change, Change) and change.intent.state is IntentState.SENDING:
            yield index, change


def _giver(tables: Tables, name: str) -> UUID | None:
    """Which of the ledger's names a client order id was given under."""
    ids = (tables.ledger_id, *tables.former_ids)
    return next((item for item in ids if intent_of(item, name) is not None), None)


def _one_open_per_leg(tables: Tables) -> Iterator[str]:
    open_on: dict[int, int] = {}
    for change in tables.changes:
        if isinstance(change, Adoption):
            continue
        intent = change.intent
        other = open_on.get(intent.leg)
        if intent.state in OPEN:
            if other not in (None, intent.id):
                yield f"I2 intents {other} and {intent.id} were open on leg {intent.leg}"
            open_on[intent.leg] = intent.id
        elif other == intent.id:
            del open_on[intent.leg]


def _decided_on_what_was(tables: Tables) -> Iterator[str]:
    held, open_now, done = ZERO, {}, 0
    for decision in tables.decisions.values():
        for change in tables.changes[done : decision.at]:
            if isinstance(change, Adoption):
                held += signed(change.side, change.quantity)
                continue
            intent = change.intent
            held += sum((signed(intent.side, fill.quantity) for fill in change.fills), ZERO)
            if intent.state in OPEN:
                open_now[intent.id] = intent.filled_quantity
            else:
                open_now.pop(intent.id, None)
        done = decision.at
        seen = msgspec.json.decode(decision.snapshot, type=LedgerSnapshot)
        seen_held = sum((position.quantity for position in seen.positions), ZERO)
        seen_open = {intent.id: intent.filled_quantity for intent in seen.open_intents}
        if (seen_held, seen_open) != (held, open_now):
            yield (
                f"I3 decision {decision.id} saw a position of {seen_held:f} with {sorted(seen_open)} open; "
                f"the ledger had {held:f} with {sorted(open_now)}"
            )


def _concluded(tables: Tables, venue: SimulatedVenue) -> Iterator[str]:
    for intent in tables.intents.values():
        if intent.state in OPEN:
            yield f"I4 intent {intent.id} is still {intent.state}"
    at_venue = Counter(item.exec_id for item in venue.engine.accounts[ACCOUNT].executions)
    in_ledger = Counter(execution for _, _, execution in tables.fills)
    in_ledger.update(item.execution_id for item in tables.adoptions.values())
    for execution in sorted((at_venue - in_ledger).keys() | (in_ledger - at_venue).keys()):
        yield f"I4 execution {execution}: {at_venue[execution]} at the venue, {in_ledger[execution]} in the ledger"


def _inside_band(tables: Tables) -> Iterator[str]:
    for halt in tables.halts.values():
        if not halt.released:
            yield f"I5 still halted by {halt.source}: {halt.reason}"
    outside, lot = abs(excess(tables)), find_instrument(SYMBOL).lot_size
    if not _is_flat(tables):
        yield f"I5 {outside:f} BTC outside the band"
    if outside >= lot:
        yield f"I8 {outside:f} BTC outside the band, a lot is {lot:f}"


def _buried(log: Log) -> Iterator[str]:
    """Nobody of ours says what another of ours cannot use: only poison may end as a dead letter."""
    for (topic, _), messages in log.partitions.items():
        for message in messages if topic == DEAD_LETTERS.name else ():
            letter = _letters.decode(message.value)
            if not letter.cause.startswith(UndecodableRecord.__name__):
                yield f"{letter.role} could not use {letter.topic}: {letter.cause}"


def _risk_replays(log: Log) -> Iterator[str]:
    for partition in range(PARTITIONS):
        replay = PartitionRisk()
        states: dict[int, bytes] = {}
        for message in log.partitions.get((RISK_INPUTS.name, partition), ()):
            try:
                state = replay.apply(_inputs.decode(message.value), message.offset)
            except UndecodableRecord:
                continue
            if state is not None:
                states[message.offset] = encode(state)
        for message in log.partitions.get((RISK_STATE.name, partition), ()):
            sequence = msgspec.json.decode(message.value or b"{}")["sequence"]
            if states.get(sequence) != message.value:
                yield f"I6 risk state {sequence} of partition {partition} is not what its inputs give"


def _decisions_replay(tables: Tables) -> Iterator[str]:
    for decision in tables.decisions.values():
        risk = msgspec.json.decode(decision.risk_state, type=RiskState)
        ledger = msgspec.json.decode(decision.snapshot, type=LedgerSnapshot)
        if encode(decide(risk, ledger)) != decision.result:
            yield f"I6 decision {decision.id} comes out otherwise when made again"


def _chain_verifies(tables: Tables) -> Iterator[str]:
    walk = ChainWalk()
    for uid, entries in tables.chain.items():
        for position, (payload, digest) in enumerate(entries, 1):
            walk.take({"strategy_uid": uid, "position": position, "payload": payload, "hash": digest})
    for problem in walk.breaks:
        yield f"I7 {problem}"
    if walk.adoptions != {number: item.entry for number, item in tables.adoptions.items()}:
        yield f"I7 the chain has the adoptions {sorted(walk.adoptions)}, the ledger {sorted(tables.adoptions)}"
    fills: dict[int, list[VenueFill]] = {}
    for row in tables.fills.values():
        fills.setdefault(row.intent, []).append(row.fill)
    for intent in tables.intents.values():
        entry = walk.last.get(intent.id)
        if entry is None:
            yield f"I7 intent {intent.id} is not in the chain"
            continue
        decision = tables.decisions[intent.decision]
        columns = {
            **msgspec.structs.asdict(intent),
            "state": intent.state.value,
            "mode": intent.mode.value,
            "side": intent.side.value,
            "time_in_force": intent.time_in_force.value,
            "risk_state": decision.risk_state,
            "snapshot": decision.snapshot,
            "result": decision.result,
        }
        for problem in differences_from_chain(columns, fills.get(intent.id, []), entry):
            yield f"I7 {problem}"
