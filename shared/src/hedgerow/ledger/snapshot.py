"""One consistent reading of a strategy's row, positions, open intents and halts."""

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.execution.claim_facts import Ceilings
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, OpenIntent
from hedgerow.ledger.ceilings import decode_ceilings
from hedgerow.ledger.halts import halt_words
from hedgerow.ledger.intents import OPEN_STATES
from hedgerow.ledger.stored_config import UnreadableConfig, decode_config, decode_policy_state, decode_venue
from hedgerow.strategy.compiled import CompiledStrategy

_POSITION = ("venue", "account", "instrument", "quantity", "mode")
_INTENT = (
    "id",
    "leg",
    "side",
    "quantity",
    "filled_quantity",
    "state",
    "limit_price",
    "time_in_force",
    "cancel_requested_ns",
)

# One statement is one consistent reading, and one round trip: hedging reads before each decision, also to hold.
_READ = f"""
    select uid, key, version, generation, config, policy_state,
        array(select ({", ".join(_POSITION)}) from positions where strategy_uid = uid
            order by venue, account, instrument) as positions,
        array(select ({", ".join(_INTENT)}) from intents where strategy_uid = uid and state = any($2)
            order by id) as intents,
        array(select (target_kind, target, source, reason) from halts where released_ns is null
            and (target_kind <> 'Strategy' or target = key) order by id) as halts,
        array(select (key, config) from venues where key in (select venue from leg_owners where strategy_uid = uid)
            order by key) as venues,
        (select config from ceilings) as ceilings
    from strategies where uid = $1 and deleted_ns is null
"""


async def read_snapshot(connection: Any, uid: str, now_ns: int) -> LedgerSnapshot | None:
    """The ledger's side of a decision, or None when there is no such live strategy.

    Args:
        now_ns: the reader's clock, which the decision will take for the time.

    Raises:
        UnreadableConfig: its config or its policy state is none that this version can read.
    """
    row = await connection.fetchrow(_READ, uid, OPEN_STATES)
    if row is None:
        return None
    config = decode_config(row["config"])
    positions = [
        dict(zip(_POSITION, held, strict=True)) for held in row["positions"] if held[-1] == config.mode
    ]
    intents = [dict(zip(_INTENT, intent, strict=True)) for intent in row["intents"]]
    venues = {leg.venue for leg in config.hedge_with}
    halts = tuple(halt_words(*halt) for halt in row["halts"] if halt[0] != "Venue" or halt[1] in venues)
    limits = gross_limits(item for item in row["venues"] if item[0] in venues)
    ceilings = decode_ceilings(row["ceilings"])
    return snapshot_of(row, config, positions, intents, halts, now_ns, ceilings, limits)


def gross_limits(rows: Iterable[Any]) -> dict[str, Decimal]:
    """Each Venue's `maxGrossNotional`, from its key and config. One that cannot be read has none: its executor says so,
    and claims nothing."""
    found = {}
    for key, config in rows:
        with suppress(UnreadableConfig):
            found[key] = decode_venue(config).max_gross_notional
    return found


def snapshot_of(
    row: Any,
    config: CompiledStrategy,
    positions: Iterable[Any],
    intents: Iterable[Any],
    halts: tuple[str, ...],
    now_ns: int,
    ceilings: Ceilings,
    gross_limits: dict[str, Decimal],
) -> LedgerSnapshot:
    """A snapshot from the rows of one consistent reading: the strategy's, its positions, its open intents.

    Args:
        config: the row's, which the caller has decoded to know which positions and halts concern it.
        gross_limits: of the Venues that the strategy hedges on.
    """
    return LedgerSnapshot(
        strategy_uid=str(row["uid"]),
        version=row["version"],
        generation=row["generation"],
        config=config,
        policy_state=decode_policy_state(row["policy_state"]),
        positions=tuple(
            HeldPosition(
                venue=held["venue"],
                account=held["account"],
                instrument=held["instrument"],
                quantity=held["quantity"],
            )
            for held in positions
        ),
        open_intents=tuple(
            OpenIntent(
                id=intent["id"],
                leg=intent["leg"],
                side=Side(intent["side"]),
                quantity=intent["quantity"],
                filled_quantity=intent["filled_quantity"],
                state=IntentState(intent["state"]),
                limit_price=intent["limit_price"],
                time_in_force=TimeInForce(intent["time_in_force"]),
                cancel_requested_ns=intent["cancel_requested_ns"],
            )
            for intent in intents
        ),
        halts=halts,
        read_ns=now_ns,
        ceilings=ceilings,
        gross_limits=gross_limits,
    )
