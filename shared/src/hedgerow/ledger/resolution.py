"""Concluding an intent by hand, in one transaction with the check that it may be."""

from typing import Any

from hedgerow.execution.order_life import IntentState
from hedgerow.execution.resolution import require_resolvable
from hedgerow.ledger.outcomes import Outcome, lock_intent, record_state
from hedgerow.ledger.stored_config import decode_config


async def resolve_by_hand(
    connection: Any, intent_id: int, state: IntentState, who: str, reason: str, now_ns: int
) -> Outcome:
    """Conclude an intent with the quantity that the ledger has. Who and why go into its reason and its chain.

    Raises:
        LookupError: there is no such intent.
        ResolutionRefused: it may not be concluded so, or not yet; nothing was changed.
    """
    async with connection.transaction():
        intent = await lock_intent(connection, intent_id)
        deadline_ns = await unknown_deadline_ns(connection, intent.strategy_uid)
        require_resolvable(intent, state, deadline_ns, now_ns)
        return await record_state(connection, intent_id, state, f"resolved by {who}: {reason}", now_ns)


async def unknown_deadline_ns(connection: Any, uid: str) -> int:
    """How long after its claim an intent of this strategy, live or deleted, may stay unresolved."""
    text = await connection.fetchval("select config from strategies where uid = $1", uid)
    return decode_config(text).execution.unknown_deadline_ns
