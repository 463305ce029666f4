import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.ids import MAX_CLIENT_ORDER_ID, client_order_id, intent_of

LEDGER = uuid.UUID("0123abcd-0000-4000-8000-000000000000")
LARGEST = 2**63 - 1
INTENTS = st.integers(min_value=1, max_value=LARGEST)


@given(st.uuids(), INTENTS)
def test_a_name_leads_back_to_its_intent_and_fits_every_venue(ledger: uuid.UUID, intent: int) -> None:
    name = client_order_id(ledger, intent)
    assert intent_of(ledger, name) == intent
    assert len(name) <= MAX_CLIENT_ORDER_ID


def test_the_largest_number_that_the_ledger_gives_has_a_name() -> None:
    assert client_order_id(LEDGER, LARGEST) == "hr-0123abcd-7vvvvvvvvvvvv"
    assert intent_of(LEDGER, "hr-0123abcd-7vvvvvvvvvvvv") == LARGEST


@given(INTENTS, INTENTS)
def test_two_intents_never_share_a_name(one: int, other: int) -> None:
    assert (client_order_id(LEDGER, one) == client_order_id(LEDGER, other)) == (one == other)


@pytest.mark.parametrize("intent", [0, -1, LARGEST + 1])
def test_what_is_no_intent_number_gets_no_name(intent: int) -> None:
    with pytest.raises(ValueError, match=str(intent)):
        client_order_id(LEDGER, intent)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "hr-0123abcd-",
        "hr-0123abcd-0",
        "hr-0123abcd-01",
        "hr-0123abcd-1\n",
        "hr-0123abcd-1 ",
        " hr-0123abcd-1",
        "hr-0123abcd-W",
        "hr-0123abcd-w",
        "HR-0123abcd-1",
        "hr-0123abce-1",
        "hr-0123abcd-8000000000000",
        "hr-0123abcd-vvvvvvvvvvvvvvvvvvvvvvvv",
        "someone-elses-order",
    ],
)
def test_a_name_that_this_ledger_does_not_give_belongs_to_nobody(name: str) -> None:
    assert intent_of(LEDGER, name) is None


@given(st.text(alphabet="hr-0123abcdvw\n", max_size=36))
def test_whatever_is_recognised_is_a_name_that_was_given(name: str) -> None:
    intent = intent_of(LEDGER, name)
    assert intent is None or client_order_id(LEDGER, intent) == name
