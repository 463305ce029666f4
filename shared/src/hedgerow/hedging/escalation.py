"""Escalation: a passive order first, then one that crosses, then the next instruments, then a person is called.

A rung begins with an order on it and has its time from then on; a clip that fills in full gives its rung that time
anew. What keeps a strategy from deciding (a halt, an order that is Unknown) therefore never skips a rung unseen. The
ladder begins at its foot again once the exposure was inside the band.
"""

import msgspec

from hedgerow.domain.orders import TimeInForce
from hedgerow.hedging.band import clip, order_of, side_of, size_up
from hedgerow.hedging.decision import Hold, HoldReason, NewIntent, Rung
from hedgerow.hedging.exposure import NetExposure
from hedgerow.hedging.legs import LegView
from hedgerow.hedging.orders import passive_price
from hedgerow.hedging.snapshot import Pursuit
from hedgerow.hedging.step import Step, aimed
from hedgerow.strategy.compiled import CompiledStrategy, Escalation

# Where the ladder is tried again after a person was called: what waited once in vain does not wait again.
_FIRST_CROSSING = 1


def rungs_of(legs: int) -> tuple[Rung, ...]:
    """The rungs of an underlying with so many legs: two on the first leg, one on each that follows."""
    return (Rung.PASSIVE, Rung.AGGRESSIVE, *(Rung.SECOND_INSTRUMENT for _ in range(legs - 1)))


def leg_at(rung: int) -> int:
    """Which of the legs, by preference, a rung trades."""
    return max(rung - 1, 0)


def time_on(rung: Rung, ladder: Escalation) -> int:
    """How long a rung may take, in nanoseconds."""
    return {
        Rung.PASSIVE: ladder.passive_ns,
        Rung.AGGRESSIVE: ladder.aggressive_ns,
        Rung.SECOND_INSTRUMENT: ladder.second_instrument_ns,
    }[rung]


def climb(pursuit: Pursuit, hedge_reached: bool, legs: int, ladder: Escalation, now_ns: int) -> int | None:
    """The rung that a pursuit is on now; None past the last one, while a person is called."""
    rungs = rungs_of(legs)
    # A generation with fewer legs may have come meanwhile.
    at = min(pursuit.rung, len(rungs) - 1)
    ends_ns = pursuit.rung_since_ns + time_on(rungs[at], ladder)
    if hedge_reached or now_ns < ends_ns:
        return at
    if at + 1 < len(rungs):
        return at + 1
    return None if now_ns < ends_ns + ladder.retry_ns else _FIRST_CROSSING


def escalate(
    exposure: NetExposure,
    views: tuple[LegView, ...],
    pursuit: Pursuit | None,
    ladder: Escalation,
    config: CompiledStrategy,
    now_ns: int,
) -> Step:
    """The order of the rung that it is time for; nothing of this underlying is open.

    Args:
        views: the underlying's legs, most preferred first.
        pursuit: of this side; None begins one at the foot.
    """
    begun = pursuit or Pursuit(
        underlying=exposure.underlying,
        side=side_of(exposure),
        started_ns=now_ns,
        hedge=exposure.hedge,
        aim=exposure.hedge,
        rung_since_ns=now_ns,
    )
    reached = begun.reached(exposure.hedge)
    rung = climb(begun, reached, len(views), ladder, now_ns)
    if rung is None:
        return Step(outcome=_call_a_person(begun, len(views), ladder))
    first_hold: Hold | None = None
    for candidate in range(rung, len(views) + 1):
        at = views[leg_at(candidate)]
        order = _order(exposure, at, candidate, ladder, config)
        if isinstance(order, NewIntent):
            stays = candidate == begun.rung and not reached
            since_ns = begun.rung_since_ns if stays else now_ns
            return aimed(
                order,
                msgspec.structs.replace(begun, rung=candidate, rung_since_ns=since_ns),
                exposure,
                at,
            )
        first_hold = first_hold or order
        if candidate <= _FIRST_CROSSING and order.reason is HoldReason.BELOW_MINIMUM:
            break  # a residual accumulates; it is no reason to go to another instrument
    assert first_hold is not None
    return Step(outcome=first_hold)


def _order(
    exposure: NetExposure, at: LegView, rung: int, ladder: Escalation, config: CompiledStrategy
) -> NewIntent | Hold:
    if rung:
        return clip(exposure, at, config, Rung.AGGRESSIVE if rung == 1 else Rung.SECOND_INSTRUMENT)
    price = passive_price(side_of(exposure), at.mark, at.instrument, ladder.inside_ticks)
    size = size_up(exposure, at, price, config)
    if isinstance(size, Hold):
        return size
    quantity = min(size.wanted, size.largest)
    return order_of(exposure, at, quantity, price, config, TimeInForce.POST_ONLY, Rung.PASSIVE)


def _call_a_person(begun: Pursuit, legs: int, ladder: Escalation) -> Hold:
    last = rungs_of(legs)[-1]
    wake_ns = begun.rung_since_ns + time_on(last, ladder) + ladder.retry_ns
    return Hold(
        reason=HoldReason.UNFILLED,
        detail=f"every rung up to {last} ended without a fill of the whole order; the legs are tried again "
        f"{ladder.retry_ns / 1e9:g} s after the last",
        wake_ns=wake_ns,
    )
