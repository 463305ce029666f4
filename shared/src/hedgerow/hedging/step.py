"""What one underlying's part of a decision comes to."""

import msgspec

from hedgerow.hedging.decision import Cancel, Hold, NewIntent
from hedgerow.hedging.exposure import NetExposure
from hedgerow.hedging.inventory import Standing
from hedgerow.hedging.legs import LegView
from hedgerow.hedging.snapshot import Pursuit


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An order, orders to take back, or a hold; `pursuit` and `standing` are to be remembered, None when what is known
    still holds."""

    outcome: NewIntent | tuple[Cancel, ...] | Hold
    pursuit: Pursuit | None = None
    standing: Standing | None = None


def aimed(order: NewIntent | Hold, pursuit: Pursuit, exposure: NetExposure, at: LegView) -> Step:
    """The step of an order, and where the hedge is once it fills."""
    if isinstance(order, Hold):
        return Step(outcome=order)
    aim = exposure.hedge + order.side.sign * at.instrument.delta(order.quantity)
    return Step(outcome=order, pursuit=msgspec.structs.replace(pursuit, aim=aim))
