"""Venue against ledger while orders are on their way.

R1  Whatever part of the orders on their way the venue shows, and whatever part of that the ledger has booked, there is
    no drift.
R2  A position that no such order explains is a drift, named alike in each look.
"""

from decimal import Decimal

import hedge_examples as example
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, signed
from hedgerow.execution.drift import position_drifts
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import IntentState
from hedgerow.strategy.compiled import Mode

LOTS = st.integers(min_value=1, max_value=50)


@st.composite
def moving(draw: st.DrawFn) -> tuple[Intent, Decimal]:
    """An order, and how much of it the venue's position shows."""
    quantity = draw(LOTS)
    filled = draw(st.integers(min_value=0, max_value=quantity))
    is_open = draw(st.booleans())
    state = IntentState.UNKNOWN if is_open else IntentState.CANCELLED
    shown = draw(st.integers(min_value=0, max_value=quantity if is_open else filled))
    intent = example.intent(
        side=draw(st.sampled_from(Side)),
        quantity=Decimal(quantity),
        filled_quantity=Decimal(filled),
        state=state,
    )
    return intent, Decimal(shown)


@given(st.lists(moving(), max_size=4), st.integers(min_value=-50, max_value=50), LOTS)
def test_only_what_no_order_explains_is_a_drift(
    orders: list[tuple[Intent, Decimal]], base: int, extra: int
) -> None:
    intents = [intent for intent, _ in orders]
    booked = sum((signed(intent.side, intent.filled_quantity) for intent in intents), Decimal(base))
    shown = sum((signed(intent.side, part) for intent, part in orders), Decimal(base))
    assert position_drifts({example.SYMBOL: booked}, {example.SYMBOL: shown}, intents) == []
    # Beyond everything that could have been bought.
    reach = sum((intent.quantity for intent in intents if intent.side is Side.BUY), Decimal(base))
    (drift,) = position_drifts({example.SYMBOL: booked}, {example.SYMBOL: reach + extra}, intents)
    assert drift.key == f"{example.SYMBOL} above"


def test_the_numbers_are_told() -> None:
    sell = example.intent(quantity=Decimal(2), state=IntentState.ACCEPTED)
    (drift,) = position_drifts({example.SYMBOL: Decimal(1)}, {example.SYMBOL: Decimal(3)}, [sell])
    assert drift.words == (
        f"{example.SYMBOL}: the venue holds 3 contracts, the ledger -1 to 1, orders on their way counted"
    )


def test_what_is_filled_virtually_moves_nothing_at_the_venue() -> None:
    shadow = example.intent(mode=Mode.SHADOW, state=IntentState.ACCEPTED)
    (drift,) = position_drifts({example.SYMBOL: ZERO}, {example.SYMBOL: Decimal(-1)}, [shadow])
    assert drift.words == f"{example.SYMBOL}: the venue holds -1 contracts, the ledger 0"
