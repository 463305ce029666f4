"""What every style keeps, however fills, cancels, prices and the book interleave.

X1  At most one intent is open on the legs of one underlying.
X2  No order, filled in full, takes the net delta past the band that it was decided against; and while the book stands
    still nothing ever does, whatever fills while a cancel is under way.
X3  Every order is towards the band: rounding never turns a side, and never leaves nothing to trade.
X4  Nothing new is decided while an order is being cancelled.
X5  A decision made again from its stored inputs has the same bytes.
X6  When the venue fills what it is sent, it ends inside the band.
"""

from decimal import Decimal

import hedge_examples as example
import msgspec
import pytest
from hedge_world import World, escalating, over_time, reason_of, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hedgerow.domain.orders import Side, signed
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge, HoldReason
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.codec import encode
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import CompiledStrategy

# One order may be as large as the band is wide many times over, so that a second one too many is seen.
NARROW = {
    "bands": (example.band("-0.1", "0.1"),),
    "limits": example.limits(max_order_notional=Decimal(200_000)),
}
LARGE = Decimal(200_000)
CONFIGS: dict[str, CompiledStrategy] = {
    name: msgspec.structs.replace(config, **NARROW)
    for name, config in {
        "clips": example.strategy(execution=example.execution(clip_notional=LARGE)),
        "twap": over_time(clip_notional=LARGE),
        "escalation": escalating(clip_notional=LARGE),
        "escalation, two legs": escalating(2, clip_notional=LARGE),
    }.items()
}
quantities = st.integers(1, 2_000).map(lambda lots: lots * example.PERPETUAL.lot_size)
deltas = st.integers(-40_000, 40_000).map(lambda units: Decimal(units) / 10_000)


class Interleaving(RuleBasedStateMachine):
    """The venue and the book do whatever they like between two decisions."""

    @initialize(name=st.sampled_from(sorted(CONFIGS)), delta=deltas, stands_still=st.booleans())
    def begin(self, name: str, delta: Decimal, stands_still: bool) -> None:
        self.world = World(CONFIGS[name], format(delta, "f"))
        self.stands_still = stands_still
        self.first = self.world.net

    @rule(times=st.integers(1, 3))
    def decide(self, times: int) -> None:
        for _ in range(times):
            self._decide()

    def _decide(self) -> None:
        world = self.world
        again = decide(
            *(
                msgspec.json.decode(encode(item), type=kind)
                for item, kind in zip(stored(world), (RiskState, LedgerSnapshot), strict=True)
            )
        )
        before, was_open = world.net, world.open
        decision = world.decide()
        assert encode(again) == encode(decision)  # X5
        if isinstance(decision, Hedge) and decision.intents:
            (intent,) = decision.intents
            assert was_open == ()  # X4
            assert intent.quantity > 0
            assert intent.side is (Side.SELL if before.excess > 0 else Side.BUY)  # X3
            after = before.net + signed(intent.side, intent.quantity)
            assert before.lower <= after if intent.side is Side.SELL else after <= before.upper  # X2

    @rule(market=st.integers(-30, 30))
    def price_moves(self, market: int) -> None:
        self.world.move_market(market)

    @rule(delta=deltas)
    def book_moves(self, delta: Decimal) -> None:
        if not self.stands_still:
            self.world.delta = delta

    @rule(seconds=st.sampled_from([1, 3, 12, 70]))
    def time_passes(self, seconds: int) -> None:
        self.world.wait(seconds * example.SECOND_NS)

    @rule()
    def venue_accepts(self) -> None:
        if self.world.open and self.world.open[0].state is IntentState.DECIDED:
            self.world.accept()

    @rule(quantity=quantities)
    def venue_fills(self, quantity: Decimal) -> None:
        if self.world.open:
            self.world.fill(quantity)

    @rule(quantity=st.one_of(st.just(Decimal(0)), quantities))
    def venue_ends_it(self, quantity: Decimal) -> None:
        """An order that crosses ends by itself; one that waits only once it was cancelled."""
        open_now = self.world.open
        if open_now and (not open_now[0].time_in_force.rests or open_now[0].cancel_requested_ns is not None):
            self.world.conclude(quantity)

    @invariant()
    def one_open_intent(self) -> None:
        if hasattr(self, "world"):
            assert len(self.world.open) <= 1  # X1

    @invariant()
    def a_book_that_stands_still_is_never_hedged_past_its_band(self) -> None:
        if not hasattr(self, "world") or not self.stands_still:
            return
        worst = self.world.net.net + sum(
            (signed(item.side, item.remaining) for item in self.world.open), Decimal(0)
        )
        low = min(self.first.net, self.first.lower)
        high = max(self.first.net, self.first.upper)
        # X2: from the side where it was to the band, and never out of it on the other side.
        assert low <= worst <= high


TestInterleaving = Interleaving.TestCase
TestInterleaving.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("name", sorted(CONFIGS))
@given(delta=deltas)
@settings(max_examples=25, deadline=None)
def test_x6_it_ends_inside_the_band(name: str, delta: Decimal) -> None:
    world = World(CONFIGS[name], format(delta, "f"))
    for _ in range(150):
        world.settle()
        world.accept()
        world.fill_all()
        world.wait(2 * example.SECOND_NS)
    assert reason_of(world.settle()) is HoldReason.INSIDE_BAND
    assert world.ledger.policy_state.pursuits == ()
