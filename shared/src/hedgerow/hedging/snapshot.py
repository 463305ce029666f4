"""What hedging knows of one strategy from the ledger at one version."""

from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.execution.claim_facts import Ceilings
from hedgerow.execution.limits import lowest
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.inventory import Standing
from hedgerow.hedging.ladder import LadderStanding
from hedgerow.strategy.compiled import CompiledStrategy


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """The strategy's own hedge in one instrument, signed, in contracts."""

    venue: str
    account: str
    instrument: str
    quantity: Decimal


class OpenIntent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An intent whose outcome is not known yet.

    Attributes:
        cancel_requested_ns: when it was decided to take the order back; None while it was not.
    """

    id: int
    leg: int
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    state: IntentState
    limit_price: Decimal = ZERO
    time_in_force: TimeInForce = TimeInForce.IOC
    cancel_requested_ns: int | None = None

    @property
    def remaining(self) -> Decimal:
        """Contracts that may still fill."""
        return self.quantity - self.filled_quantity


class LegDecided(msgspec.Struct, frozen=True, kw_only=True):
    """When an order was last decided on one leg."""

    leg: int
    time_ns: int


class Pursuit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A hedge of one underlying that is worked over time, from its first order until the band is reached.

    Deltas in units of the underlying, of the strategy's own hedge.

    Attributes:
        started_ns: of the first order; hedge: the hedge's delta then.
        aim: the hedge's delta once the newest order fills in full.
        rung, rung_since_ns: of an escalation: which one, by number, and since when.
    """

    underlying: str
    side: Side
    started_ns: int
    hedge: Decimal
    aim: Decimal
    rung: int = 0
    rung_since_ns: int = 0

    def reached(self, hedge: Decimal) -> bool:
        """Whether the newest order filled in full, seen from the hedge's delta now."""
        return (hedge - self.aim) * self.side.sign >= 0


class PolicyState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a policy must remember between decisions.

    Attributes:
        last_decided_ns: of the newest order on any leg.
        legs: of the newest order on each, in a strategy that has several.
        pursuits: by underlying, of those that are under way.
        standings: by underlying, of an inventory policy.
        ladder: where the LTV ladder stands; None when there is none, and before the first decision.
    """

    last_decided_ns: int = 0
    legs: tuple[LegDecided, ...] = ()
    pursuits: tuple[Pursuit, ...] = ()
    standings: tuple[Standing, ...] = ()
    ladder: LadderStanding | None = None

    def decided_ns(self, leg: int) -> int:
        """When an order was last decided on this leg; 0 when none was."""
        if not self.legs:
            return self.last_decided_ns
        return next((item.time_ns for item in self.legs if item.leg == leg), 0)

    def pursuit(self, underlying: str) -> Pursuit | None:
        return next((item for item in self.pursuits if item.underlying == underlying), None)

    def standing(self, underlying: str) -> Standing | None:
        return next((item for item in self.standings if item.underlying == underlying), None)


class LedgerSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One consistent reading of the ledger, the second of a decision's three inputs.

    Attributes:
        version: what the decision's commit compares and sets.
        halts: reasons of the halts that stand against this strategy; empty when it may trade.
        read_ns: when it was read; the decision's only clock.
        ceilings: the platform's; gross_limits: each Venue's `maxGrossNotional`, by its key.
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
    ceilings: Ceilings = Ceilings()
    gross_limits: dict[str, Decimal] = {}

    def gross_limit(self, venue: str) -> Decimal | None:
        """What the positions on a Venue's account may be worth together, by the Venue and by the platform."""
        limit, _ = lowest((self.gross_limits.get(venue), ""), (self.ceilings.max_gross_notional, ""))
        return limit
