"""A ledger and a venue of one strategy, in memory and driven by hand: what styles of execution are held against.

The venue may fill an order at any time until a cancel is concluded, and take any part of it; an order that crosses is
concluded with what it filled.
"""

from decimal import Decimal

import hedge_examples as example
import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import TimeInForce, signed
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Decision, Hedge, Hold, HoldReason, NewIntent
from hedgerow.hedging.exposure import NetExposure, net_exposure
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, OpenIntent
from hedgerow.schemas.risk_state import Exposure, RiskState
from hedgerow.strategy.compiled import CompiledStrategy, Escalation, Leg, Twap

MS_NS = 1_000_000
LADDER = Escalation(
    passive_ns=10 * example.SECOND_NS,
    inside_ticks=0,
    reprice_ticks=5,
    aggressive_ns=8 * example.SECOND_NS,
    second_instrument_ns=6 * example.SECOND_NS,
    retry_ns=60 * example.SECOND_NS,
)
TWAP = Twap(duration_ns=100 * example.SECOND_NS, slices=10)
SECOND_VENUE = "desk/other"


def escalating(legs: int = 1, ladder: Escalation = LADDER, **changes: object) -> CompiledStrategy:
    """BTC within ±1 by escalation, on so many venues; `changes` are of its execution."""
    venues = (example.VENUE, SECOND_VENUE, "desk/third")[:legs]
    return example.strategy(
        hedge_with=tuple(example.leg(index, venue) for index, venue in enumerate(venues)),
        execution=example.execution(escalation=ladder, **changes),
    )


def over_time(twap: Twap = TWAP, **changes: object) -> CompiledStrategy:
    """BTC within ±1 over time; `changes` are of its execution."""
    return example.strategy(execution=example.execution(twap=twap, **changes))


class World:
    """What is, and what was sent. `intents` and `decided` hold everything that was ever decided, in its order."""

    def __init__(self, config: CompiledStrategy, delta: str) -> None:
        self.delta = Decimal(delta)
        self.mark = example.mark()
        self.ledger = example.snapshot(positions=(), config=config)
        self.intents: list[NewIntent] = []
        self.decided: list[Decision] = []

    @property
    def now_ns(self) -> int:
        return self.ledger.read_ns

    @property
    def net(self) -> NetExposure:
        return net_exposure(self.ledger.config.bands[0], self.risk(), self.ledger)

    @property
    def open(self) -> tuple[OpenIntent, ...]:
        return self.ledger.open_intents

    def risk(self) -> RiskState:
        return example.risk(
            generation=self.ledger.generation,
            time_ns=self.now_ns,
            marks=(msgspec.structs.replace(self.mark, time_ns=self.now_ns),),
            exposures=(
                Exposure(
                    underlying="BTC",
                    delta=self.delta,
                    mark=self.mark.mid,
                    notional=self.delta * self.mark.mid,
                ),
            ),
        )

    def wait(self, ns: int) -> None:
        self.ledger = msgspec.structs.replace(self.ledger, read_ns=self.now_ns + ns)

    def move_market(self, ticks: int) -> None:
        step = ticks * example.PERPETUAL.tick_size
        self.mark = msgspec.structs.replace(
            self.mark, bid=self.mark.bid + step, ask=self.mark.ask + step, mid=self.mark.mid + step
        )

    def decide(self) -> Decision:
        """One decision, written down as the ledger would."""
        decision = decide(self.risk(), self.ledger)
        self.decided.append(decision)
        if isinstance(decision, Hedge):
            self._commit(decision)
        return decision

    def settle(self) -> Decision:
        """Decide until nothing more is written: the last decision is an order or a hold."""
        decision = self.decide()
        while isinstance(decision, Hedge) and not decision.intents:
            decision = self.decide()
        return decision

    def accept(self) -> None:
        """The venue has every order."""
        self._set_open([self._with(item, IntentState.ACCEPTED, item.filled_quantity) for item in self.open])

    def fill(self, quantity: Decimal) -> None:
        """The oldest open order fills by up to so much; it stays open while it waits for the rest."""
        order = self.open[0]
        amount = min(quantity, order.remaining)
        self._move_position(order, amount)
        filled = order.filled_quantity + amount
        if filled == order.quantity:
            self._set_open(self.open[1:])
        else:
            self._set_open([self._with(order, IntentState.PARTIALLY_FILLED, filled), *self.open[1:]])

    def fill_all(self) -> None:
        while self.open:
            self.fill(self.open[0].remaining)

    def conclude(self, filled: Decimal = ZERO) -> None:
        """The oldest open order ends, having filled so much more before."""
        order = self.open[0]
        self._move_position(order, min(filled, order.remaining))
        self._set_open(self.open[1:])

    def conclude_crossing(self, filled: Decimal = ZERO) -> None:
        """An order that crosses does not wait: it ends with what it filled."""
        if self.open and not self.open[0].time_in_force.rests:
            self.conclude(filled)

    def _commit(self, hedge: Hedge) -> None:
        taken = {item.leg for item in self.open} & {item.leg for item in hedge.intents}
        assert not taken, f"the ledger has an open intent on legs {taken}"
        new = []
        for intent in hedge.intents:
            self.intents.append(intent)
            new.append(
                OpenIntent(
                    id=len(self.intents),
                    leg=intent.leg,
                    side=intent.side,
                    quantity=intent.quantity,
                    filled_quantity=ZERO,
                    state=IntentState.DECIDED,
                    limit_price=intent.limit_price,
                    time_in_force=intent.time_in_force,
                )
            )
        cancelled = {cancel.intent for cancel in hedge.cancels}
        assert cancelled <= {item.id for item in self.open}
        kept = [
            msgspec.structs.replace(item, cancel_requested_ns=self.now_ns) if item.id in cancelled else item
            for item in self.open
        ]
        self.ledger = msgspec.structs.replace(
            self.ledger,
            version=self.ledger.version + 1,
            policy_state=hedge.policy_state,
            open_intents=(*kept, *new),
        )

    def _leg(self, index: int) -> Leg:
        return next(leg for leg in self.ledger.config.hedge_with if leg.index == index)

    def _move_position(self, order: OpenIntent, quantity: Decimal) -> None:
        leg = self._leg(order.leg)
        held = {(item.venue, item.account): item.quantity for item in self.ledger.positions}
        where = (leg.venue, leg.account)
        held[where] = held.get(where, ZERO) + signed(order.side, quantity)
        positions = tuple(
            HeldPosition(venue=venue, account=account, instrument=example.SYMBOL, quantity=quantity)
            for (venue, account), quantity in sorted(held.items())
        )
        self.ledger = msgspec.structs.replace(
            self.ledger, positions=positions, version=self.ledger.version + 1
        )

    def _set_open(self, intents: list[OpenIntent] | tuple[OpenIntent, ...]) -> None:
        self.ledger = msgspec.structs.replace(
            self.ledger, open_intents=tuple(intents), version=self.ledger.version + 1
        )

    @staticmethod
    def _with(order: OpenIntent, state: IntentState, filled: Decimal) -> OpenIntent:
        return msgspec.structs.replace(order, state=state, filled_quantity=filled)


def reason_of(decision: Decision) -> HoldReason | None:
    return decision.reason if isinstance(decision, Hold) else None


def is_passive(decision: Decision) -> bool:
    return isinstance(decision, Hedge) and [item.time_in_force for item in decision.intents] == [
        TimeInForce.POST_ONLY
    ]


def stored(world: World) -> tuple[RiskState, LedgerSnapshot]:
    return world.risk(), world.ledger
