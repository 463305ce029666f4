"""What hedging knows of one strategy from the ledger at one version."""

from decimal import Decimal

import msgspec

from hedgerow.domain.orders import Side
from hedgerow.execution.order_life import IntentState
from hedgerow.strategy.compiled import CompiledStrategy


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """The strategy's own hedge in one instrument, signed, in contracts."""

    venue: str
    account: str
    instrument: str
    quantity: Decimal


class OpenIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An intent whose outcome is not known yet."""

    id: int
    leg: int
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    state: IntentState


class PolicyState(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy must remember between decisions."""

    last_decided_ns: int = 0


class LedgerSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One consistent reading of the ledger, the second of a decision's three inputs.

    Attributes:
        version: what the decision's commit compares and sets.
        halts: reasons of the halts that stand against this strategy; empty when it may trade.
        read_ns: when it was read; the decision's only clock.
    """

    strategy_uid: str
    version: int
    generation: int
    config: CompiledStrategy
    policy_state: PolicyState
    positions: tuple[HeldPosition, ...]
    open_intents: tuple[OpenIntent, ...]
    halts: tuple[str, ...]
    read_ns: int
