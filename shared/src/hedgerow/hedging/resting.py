"""An order that waits in the book: how long it may, and when it is taken back.

A cancel is decided here and carried out by the executor. Its leg goes on only when the venue has said how much was
filled before the cancel: until then the intent is open, and blocks.
"""

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import signed
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decision import Cancel, CancelReason, Hold, HoldReason
from hedgerow.hedging.exposure import NetExposure
from hedgerow.hedging.legs import LegView
from hedgerow.hedging.orders import passive_price
from hedgerow.hedging.snapshot import LedgerSnapshot, OpenIntent, Pursuit
from hedgerow.strategy.compiled import Escalation

# In these the venue has said that it has the order. Before, there may be nothing to cancel yet: it is asked first.
_CANCELLABLE = frozenset({IntentState.ACCEPTED, IntentState.PARTIALLY_FILLED})
# An order that waits is looked after this often, also when no risk state comes.
LOOK_NS = 500_000_000


def resting_among(intents: tuple[OpenIntent, ...]) -> OpenIntent | None:
    """The order that waits in the book; of one underlying there is at most one."""
    return next((intent for intent in intents if intent.time_in_force.rests), None)


def withdraw(intents: tuple[OpenIntent, ...], reason: CancelReason, detail: str) -> tuple[Cancel, ...]:
    """Take back whatever waits and can be taken back now."""
    return tuple(
        Cancel(intent=intent.id, leg=intent.leg, reason=reason, detail=detail)
        for intent in intents
        if intent.time_in_force.rests and intent.state in _CANCELLABLE and intent.cancel_requested_ns is None
    )


def tend(
    order: OpenIntent,
    exposure: NetExposure,
    views: tuple[LegView, ...],
    pursuit: Pursuit | None,
    ledger: LedgerSnapshot,
) -> tuple[Cancel, ...] | Hold:
    """Leave an order that waits, or take it back."""
    look_ns = ledger.read_ns + LOOK_NS
    if order.cancel_requested_ns is not None:
        waited_s = (ledger.read_ns - order.cancel_requested_ns) / 1e9
        detail = f"intent {order.id} is {order.state}, and its cancel was decided {waited_s:.1f} s ago"
        return Hold(reason=HoldReason.CANCELLING, detail=detail, wake_ns=look_ns)
    if order.state not in _CANCELLABLE:
        detail = f"intent {order.id} is {order.state}"
        return Hold(reason=HoldReason.OPEN_INTENT, detail=detail, wake_ns=look_ns)
    why = _why_not_rest(order, exposure, views, pursuit, ledger)
    if why is not None:
        return withdraw((order,), *why)
    return Hold(
        reason=HoldReason.RESTING,
        detail=f"intent {order.id} waits at {order.limit_price:f}, {order.filled_quantity:f} of {order.quantity:f} "
        "contracts filled",
        wake_ns=min(look_ns, _deadline_ns(pursuit, ledger)),
    )


def _why_not_rest(
    order: OpenIntent,
    exposure: NetExposure,
    views: tuple[LegView, ...],
    pursuit: Pursuit | None,
    ledger: LedgerSnapshot,
) -> tuple[CancelReason, str] | None:
    ladder = ledger.config.execution.escalation
    first = views[0]
    if ladder is None or order.leg != first.leg.index or pursuit is None or ledger.config.flatten:
        return CancelReason.STYLE_CHANGED, "the strategy's present generation has no order waiting there"
    moved = _why_too_much(order, exposure, first)
    if moved is not None:
        return CancelReason.TARGET_MOVED, moved
    if ledger.read_ns >= _deadline_ns(pursuit, ledger):
        return CancelReason.DEADLINE, f"it waited the {ladder.passive_ns / 1e9:g} s of passiveFor"
    behind = _ticks_behind(order, first, ladder)
    cooled_ns = ledger.policy_state.decided_ns(order.leg) + ledger.config.execution.cooldown_ns
    if behind >= ladder.reprice_ticks and ledger.read_ns >= cooled_ns:
        return CancelReason.REPRICE, f"the touch has left {order.limit_price:f} behind by {behind} ticks"
    return None


def _why_too_much(order: OpenIntent, exposure: NetExposure, at: LegView) -> str | None:
    """Why what may still fill is not wanted any more: nothing is outside, or a fill would leave the other side."""
    if exposure.excess == ZERO:
        return f"net delta {exposure.net:f} {exposure.underlying} is inside the band"
    filled = exposure.net + at.instrument.delta(signed(order.side, order.remaining))
    towards = exposure.excess * order.side.sign < ZERO
    crosses = filled < exposure.lower if exposure.excess > ZERO else filled > exposure.upper
    if towards and not crosses:
        return None
    return f"filled in full it would bring net delta {exposure.net:f} to {filled:f} {exposure.underlying}"


def _deadline_ns(pursuit: Pursuit | None, ledger: LedgerSnapshot) -> int:
    ladder = ledger.config.execution.escalation
    if pursuit is None or ladder is None:
        return ledger.read_ns
    return pursuit.rung_since_ns + ladder.passive_ns


def _ticks_behind(order: OpenIntent, at: LegView, ladder: Escalation) -> int:
    """How far the order would have to follow the touch to be where it was placed; negative when it is inside."""
    now = passive_price(order.side, at.mark, at.instrument, ladder.inside_ticks)
    return int((now - order.limit_price) * order.side.sign / at.instrument.tick_size)
