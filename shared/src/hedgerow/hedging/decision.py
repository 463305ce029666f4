"""What a decision can be: hold, and why, or one intent per leg and the orders that are to be cancelled."""

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
    REDUCE_ONLY = "ReduceOnly"
    STALE_RISK = "StaleRisk"
    INVALID_QUOTE = "InvalidQuote"
    STALE_QUOTE = "StaleQuote"
    STALE_SCORE = "StaleScore"
    UNKNOWN_ENTRY = "UnknownEntry"
    OPEN_INTENT = "OpenIntent"
    RESTING = "Resting"
    CANCELLING = "Cancelling"
    COOLDOWN = "Cooldown"
    WAITING_FOR_SLICE = "WaitingForSlice"
    INSIDE_BAND = "InsideBand"
    FLAT = "Flat"
    BELOW_MINIMUM = "BelowMinimum"
    POSITION_LIMIT = "PositionLimit"
    SLIPPAGE_GUARD = "SlippageGuard"
    TOO_DEAR = "TooDear"
    LEGS_TOGETHER = "LegsTogether"
    UNFILLED = "Unfilled"


class CancelReason(StrEnum):
    """Why an order that rests is taken back."""

    DEADLINE = "Deadline"
    REPRICE = "Reprice"
    TARGET_MOVED = "TargetMoved"
    STYLE_CHANGED = "StyleChanged"
    CANNOT_WATCH = "CannotWatch"
    URGENT = "Urgent"


class Rung(StrEnum):
    """How far an escalation has gone for an order that does not fill."""

    PASSIVE = "Passive"
    AGGRESSIVE = "Aggressive"
    SECOND_INSTRUMENT = "SecondInstrument"


class NewIntent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One leg of a hedge, priced and sized, not yet in the ledger.

    Attributes:
        delta: net delta of the underlying before this order; edge: where the order brings it back to.
            Both in units of the underlying.
        rung: of the escalation; None in other styles.
        daily_cost: as in `NetExposure`, of the whole hedge that the order leads towards.
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
    rung: Rung | None = None
    daily_cost: Decimal | None = None


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """Take an order back. What it filled until the venue says it is gone counts; only then its leg goes on."""

    intent: int
    leg: int
    reason: CancelReason
    detail: str


class Hold(msgspec.Struct, frozen=True, kw_only=True, tag="Hold"):
    """Do nothing now. `wake_ns`: when to decide again even if nothing new arrives; None waits for news."""

    reason: HoldReason
    detail: str
    wake_ns: int | None = None


class Hedge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="Hedge"):
    """Send these, at most one per leg, take those back, and remember `policy_state`.

    With neither, something is to be remembered only: a hedge that was worked over time is done.
    """

    intents: tuple[NewIntent, ...]
    policy_state: PolicyState
    cancels: tuple[Cancel, ...] = ()


Decision = Hold | Hedge
