"""What a decision can be: hold, and why, or one intent per leg."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.hedging.snapshot import PolicyState


class HoldReason(StrEnum):
    SUSPENDED = "Suspended"
    HALTED = "Halted"
    GENERATION_PENDING = "GenerationPending"
    NOT_READY = "NotReady"
    STALE_RISK = "StaleRisk"
    INVALID_QUOTE = "InvalidQuote"
    STALE_QUOTE = "StaleQuote"
    STALE_SCORE = "StaleScore"
    OPEN_INTENT = "OpenIntent"
    COOLDOWN = "Cooldown"
    INSIDE_BAND = "InsideBand"
    FLAT = "Flat"
    BELOW_MINIMUM = "BelowMinimum"
    POSITION_LIMIT = "PositionLimit"


class NewIntent(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a hedge, priced and sized, not yet in the ledger.

    Attributes:
        delta: net delta of the underlying before this order; edge: where the order brings it back to.
            Both in units of the underlying.
    """

    leg: int
    venue: str
    account: str
    instrument: str
    side: Side
    quantity: Decimal
    limit_price: Decimal
    time_in_force: TimeInForce
    delta: Decimal
    edge: Decimal


class Hold(msgspec.Struct, frozen=True, kw_only=True, tag="Hold"):
    """Do nothing now. `wake_ns`: when to decide again even if nothing new arrives; None waits for news."""

    reason: HoldReason
    detail: str
    wake_ns: int | None = None


class Hedge(msgspec.Struct, frozen=True, kw_only=True, tag="Hedge"):
    """Send these, at most one per leg, and remember `policy_state`."""

    intents: tuple[NewIntent, ...]
    policy_state: PolicyState


Decision = Hold | Hedge
