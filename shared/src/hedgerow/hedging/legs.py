"""A leg as a decision sees it: its market, what is held in it, and what is under way."""

from decimal import Decimal

import msgspec

from hedgerow.domain.age import age_problem
from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import ZERO
from hedgerow.hedging.decision import Hold, HoldReason
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, OpenIntent
from hedgerow.schemas.risk_state import Mark, RiskState
from hedgerow.strategy.compiled import CompiledStrategy, Leg


class LegView(msgspec.Struct, frozen=True, kw_only=True):
    """A leg with a mark that can be relied on, its position, and what its Venue lets its account carry."""

    leg: Leg
    mark: Mark
    held: HeldPosition
    gross_limit: Decimal | None

    @property
    def instrument(self) -> Instrument:
        return self.leg.instrument


def legs_of(underlying: str, config: CompiledStrategy) -> tuple[Leg, ...]:
    """The legs that hedge an underlying, most preferred first."""
    return tuple(leg for leg in config.hedge_with if leg.instrument.underlying == underlying)


def view_leg(leg: Leg, risk: RiskState, ledger: LedgerSnapshot) -> LegView | Hold:
    """The leg, or why its mark cannot be relied on."""
    symbol = leg.instrument.symbol
    mark = next((mark for mark in risk.marks if mark.instrument == symbol), None)
    if mark is None:
        return Hold(reason=HoldReason.INVALID_QUOTE, detail=f"no quote of {symbol} was seen")
    if not mark.valid:
        return Hold(
            reason=HoldReason.INVALID_QUOTE, detail=f"the quote of {symbol} is invalid: {mark.reason}"
        )
    problem = age_problem(mark.time_ns, ledger.read_ns, ledger.config.freshness.quote_ns)
    if problem is not None:
        return Hold(reason=HoldReason.STALE_QUOTE, detail=f"the quote of {symbol} is {problem}")
    return LegView(leg=leg, mark=mark, held=held_in(leg, ledger), gross_limit=ledger.gross_limit(leg.venue))


def held_in(leg: Leg, ledger: LedgerSnapshot) -> HeldPosition:
    """The leg's position; a flat one when the ledger has none."""
    where = (leg.venue, leg.account, leg.instrument.symbol)
    return next(
        (held for held in ledger.positions if (held.venue, held.account, held.instrument) == where),
        HeldPosition(venue=leg.venue, account=leg.account, instrument=leg.instrument.symbol, quantity=ZERO),
    )


def open_on(legs: tuple[Leg, ...], ledger: LedgerSnapshot) -> tuple[OpenIntent, ...]:
    """What is open on these legs, oldest first."""
    indexes = {leg.index for leg in legs}
    return tuple(intent for intent in ledger.open_intents if intent.leg in indexes)


def why_busy(legs: tuple[Leg, ...], ledger: LedgerSnapshot) -> Hold | None:
    """Why nothing new may be decided on these legs: they hedge one underlying, so an order on one blocks all."""
    for intent in open_on(legs, ledger):
        return Hold(reason=HoldReason.OPEN_INTENT, detail=f"intent {intent.id} is {intent.state}")
    decided_ns = max(ledger.policy_state.decided_ns(leg.index) for leg in legs)
    wake_ns = decided_ns + ledger.config.execution.cooldown_ns
    if ledger.read_ns < wake_ns:
        return Hold(
            reason=HoldReason.COOLDOWN,
            detail=f"{(wake_ns - ledger.read_ns) / 1e9:.3f} s of the cooldown are left",
            wake_ns=wake_ns,
        )
    return None
