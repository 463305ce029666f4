"""What the venue says, in every order of arrival, leads to one end or is called a contradiction."""

from decimal import Decimal

import hedge_examples as example
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedgerow.domain.money import ZERO
from hedgerow.execution.conclusion import Contradiction, conclude
from hedgerow.execution.intents import VenueFill, VenueOrder
from hedgerow.execution.order_life import AT_VENUE, TERMINAL, IntentState, require_edge

S = IntentState
ENDS = [S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED]
WHOLE = "0.5"


def _fills(*quantities: str) -> list[VenueFill]:
    return [example.fill(f"x{number}", quantity) for number, quantity in enumerate(quantities)]


@pytest.mark.parametrize(
    ("before", "order", "fills", "state", "filled"),
    [
        (S.SENDING, example.order(S.ACCEPTED), (), S.ACCEPTED, "0"),
        (S.UNKNOWN, example.order(S.ACCEPTED), (), S.ACCEPTED, "0"),
        (S.ABANDONED, example.order(S.ACCEPTED), (), S.ACCEPTED, "0"),
        (S.ACCEPTED, example.order(S.PARTIALLY_FILLED, "0.2"), ("0.2",), S.PARTIALLY_FILLED, "0.2"),
        (S.ACCEPTED, example.order(S.ACCEPTED), ("0.2",), S.PARTIALLY_FILLED, "0.2"),
        (S.ACCEPTED, example.order(S.FILLED, WHOLE), (WHOLE,), S.FILLED, WHOLE),
        (S.ACCEPTED, example.order(S.FILLED, WHOLE), ("0.2", "0.3"), S.FILLED, WHOLE),
        (S.ACCEPTED, example.order(S.CANCELLED), (), S.CANCELLED, "0"),
        (S.ACCEPTED, example.order(S.CANCELLED, "0.2"), ("0.2",), S.CANCELLED, "0.2"),
        (S.SENDING, example.order(S.REJECTED), (), S.REJECTED, "0"),
        (S.UNKNOWN, example.order(S.FILLED, WHOLE), (WHOLE,), S.FILLED, WHOLE),
        (S.ABANDONED, example.order(S.FILLED, WHOLE), (WHOLE,), S.FILLED, WHOLE),
        (S.ACCEPTED, example.order(S.EXPIRED), (), S.EXPIRED, "0"),
    ],
)
def test_what_the_executions_bear_out_is_concluded(
    before: IntentState, order: VenueOrder, fills: tuple[str, ...], state: IntentState, filled: str
) -> None:
    conclusion = conclude(example.intent(state=before), order, _fills(*fills))
    assert (conclusion.state, conclusion.filled_quantity) == (state, Decimal(filled))


@pytest.mark.parametrize("state", [S.FILLED, S.CANCELLED, S.EXPIRED])
@pytest.mark.parametrize("seen", [(), ("0.2",)])
def test_an_end_waits_until_all_its_executions_are_seen(state: IntentState, seen: tuple[str, ...]) -> None:
    conclusion = conclude(example.intent(state=S.ACCEPTED), example.order(state, WHOLE), _fills(*seen))
    missing = Decimal(WHOLE) - sum(map(Decimal, seen), ZERO)
    assert conclusion.state is S.PARTIALLY_FILLED
    assert conclusion.reason == f"executions of {missing:f} are not visible yet"


def test_the_venues_reason_is_kept() -> None:
    order = example.order(S.CANCELLED, reason="EC_NoImmediateQtyToFill")
    assert conclude(example.intent(state=S.ACCEPTED), order, []).reason == "EC_NoImmediateQtyToFill"


@pytest.mark.parametrize(
    ("before", "order", "fills", "words"),
    [
        (S.ACCEPTED, example.order(S.PARTIALLY_FILLED, "0.5"), ("0.3", "0.3"), "add up to 0.6"),
        (S.ACCEPTED, example.order(S.FILLED, "0.6"), (WHOLE,), "order says 0.6"),
        (S.ACCEPTED, example.order(S.CANCELLED, "0.2"), ("0.2", "0.1"), "calls the order Cancelled"),
        (S.ACCEPTED, example.order(S.REJECTED), ("0.1",), "calls the order Rejected"),
        (S.ACCEPTED, example.order(S.REJECTED, "0.1"), ("0.1",), "calls the order Rejected"),
        (S.ACCEPTED, example.order(S.REJECTED, "0.1"), (), "calls the order Rejected"),
        (S.ACCEPTED, example.order(S.FILLED, "0.4"), ("0.4",), "calls the order Filled, which was for 0.5"),
        (S.REJECTED, example.order(S.FILLED, WHOLE), (WHOLE,), "concluded as Rejected with 0"),
        (S.CANCELLED, example.order(S.PARTIALLY_FILLED, "0.1"), (), "concluded as Cancelled with 0"),
    ],
)
def test_what_cannot_be_true_is_a_contradiction_with_its_numbers(
    before: IntentState, order: VenueOrder, fills: tuple[str, ...], words: str
) -> None:
    with pytest.raises(Contradiction, match="intent 1: executions add up to") as caught:
        conclude(example.intent(state=before), order, _fills(*fills))
    assert words in str(caught.value)


@pytest.mark.parametrize("end", sorted(TERMINAL - {S.ABANDONED}))
@pytest.mark.parametrize("told", [S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCELLED])
def test_an_answer_that_comes_after_the_end_changes_nothing(end: IntentState, told: IntentState) -> None:
    concluded = example.intent(state=end, filled_quantity=Decimal("0.2"), reason="as it was")
    conclusion = conclude(concluded, example.order(told, "0.2"), _fills("0.2"))
    assert (conclusion.state, conclusion.filled_quantity, conclusion.reason) == (
        end,
        Decimal("0.2"),
        "as it was",
    )


def test_an_older_answer_does_not_take_back_that_the_order_is_partly_filled() -> None:
    waiting = example.intent(state=S.PARTIALLY_FILLED)
    assert conclude(waiting, example.order(S.ACCEPTED), []).state is S.PARTIALLY_FILLED


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[tuple[VenueOrder, list[VenueFill]]], VenueOrder, list[VenueFill]]:
    """Looks at one true order, each stale in its order and in its executions on its own; and the truth."""
    lots = draw(st.lists(st.integers(min_value=1, max_value=200), max_size=5).filter(lambda q: sum(q) <= 500))
    quantities = [Decimal(lot) / 1000 for lot in lots]
    total = sum(quantities, ZERO)
    end = draw(st.sampled_from(ENDS))
    if end is S.FILLED:
        rest = Decimal(WHOLE) - total
        quantities = [*quantities, rest] if rest else quantities
    elif end is S.REJECTED:
        quantities = []
    fills = [example.fill(f"x{number}", format(quantity, "f")) for number, quantity in enumerate(quantities)]
    totals = [sum(quantities[:count], ZERO) for count in range(len(quantities) + 1)]
    orders = [
        example.order(S.PARTIALLY_FILLED if filled else S.ACCEPTED, format(filled, "f")) for filled in totals
    ]
    if end is S.REJECTED:
        orders = []
    orders.append(example.order(end, format(totals[-1], "f")))
    looks = draw(
        st.lists(
            st.tuples(
                st.sampled_from(orders),
                st.lists(st.sampled_from(fills), unique=True) if fills else st.just([]),
            ),
            max_size=8,
        )
    )
    return looks, orders[-1], fills


@given(st.sampled_from(sorted(AT_VENUE | {S.ABANDONED})), lives())
def test_in_whatever_order_looks_arrive_each_step_is_legal_and_the_truth_is_reached(
    start: IntentState, life: tuple[list[tuple[VenueOrder, list[VenueFill]]], VenueOrder, list[VenueFill]]
) -> None:
    looks, truth, all_fills = life
    # An order that was seen to be partly filled was not rejected.
    assume((start, truth.state) != (S.PARTIALLY_FILLED, S.REJECTED))
    intent = example.intent(state=start)
    known: dict[str, VenueFill] = {}
    for order, fills in [*looks, (truth, all_fills), *looks]:
        merged = known | {fill.execution_id: fill for fill in fills}
        conclusion = conclude(intent, order, list(merged.values()))
        if conclusion.state is not intent.state:
            require_edge(intent.state, conclusion.state)
        assert conclusion.filled_quantity >= intent.filled_quantity
        known = merged
        intent = example.intent(state=conclusion.state, filled_quantity=conclusion.filled_quantity)
    assert intent.state is truth.state
    assert intent.filled_quantity == truth.filled_quantity
