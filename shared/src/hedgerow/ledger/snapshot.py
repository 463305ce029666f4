"""One consistent reading of a strategy's row, positions, open intents and halts."""

from collections.abc import Iterable
from typing import Any

import msgspec

from hedgerow.domain.orders import Side
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, OpenIntent, PolicyState
from hedgerow.ledger.halts import halts_against
from hedgerow.ledger.intents import OPEN_STATES
from hedgerow.ledger.strategies import decode_config


async def read_snapshot(connection: Any, uid: str, now_ns: int) -> LedgerSnapshot | None:
    """The ledger's side of a decision, or None when there is no such live strategy.

    Args:
        now_ns: the reader's clock, which the decision will take for the time.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(
            "select uid, key, version, generation, config, policy_state from strategies "
            "where uid = $1 and deleted_ns is null",
            uid,
        )
        if row is None:
            return None
        config = decode_config(row["config"])
        positions = await connection.fetch(
            "select venue, account, instrument, quantity from positions where strategy_uid = $1 and mode = $2 "
            "order by venue, account, instrument",
            uid,
            config.mode.value,
        )
        intents = await connection.fetch(
            "select id, leg, side, quantity, filled_quantity, state from intents "
            "where strategy_uid = $1 and state = any($2) order by id",
            uid,
            OPEN_STATES,
        )
        venues = sorted({leg.venue for leg in config.hedge_with})
        halts = await halts_against(connection, row["key"], venues)
    return snapshot_of(row, positions, intents, halts, now_ns)


def snapshot_of(
    row: Any, positions: Iterable[Any], intents: Iterable[Any], halts: tuple[str, ...], now_ns: int
) -> LedgerSnapshot:
    """A snapshot from the rows of one consistent reading: the strategy's, its positions, its open intents."""
    return LedgerSnapshot(
        strategy_uid=str(row["uid"]),
        version=row["version"],
        generation=row["generation"],
        config=decode_config(row["config"]),
        policy_state=msgspec.json.decode(row["policy_state"], type=PolicyState),
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
            )
            for intent in intents
        ),
        halts=halts,
        read_ns=now_ns,
    )
