from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.money import ceil_to_step, exact_decimal, floor_to_step, is_on_step, parse_decimal, plain

VALUES = st.decimals(min_value=-(10**9), max_value=10**9, places=9)
STEPS = st.sampled_from(
    [Decimal(text) for text in ("0.00001", "0.001", "0.01", "0.1", "0.25", "1", "5", "3")]
)


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "", "1,5", "0x10", "twelve"])
def test_what_is_no_finite_number_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"not (a decimal number|finite)") as caught:
        parse_decimal(text)
    assert repr(text) in str(caught.value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_becomes_the_decimal_that_reads_back_as_it(value: float) -> None:
    assert float(exact_decimal(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        exact_decimal(value)


@given(VALUES, STEPS)
def test_floor_and_ceil_enclose_the_value_within_one_step(value: Decimal, step: Decimal) -> None:
    low, high = floor_to_step(value, step), ceil_to_step(value, step)
    assert low <= value <= high
    assert is_on_step(low, step)
    assert is_on_step(high, step)
    assert high - low == (0 if is_on_step(value, step) else step)


def test_no_value_is_so_near_a_step_that_it_rounds_across_it() -> None:
    below_three, above_minus_three = Decimal("2." + "9" * 35), Decimal("-2." + "9" * 35)
    assert floor_to_step(below_three, Decimal(1)) == 2
    assert ceil_to_step(below_three, Decimal(1)) == 3
    assert floor_to_step(above_minus_three, Decimal(1)) == -3
    assert ceil_to_step(above_minus_three, Decimal(1)) == -2


@given(VALUES)
def test_equal_numbers_have_equal_text_that_reads_back(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert plain(value * Decimal("1.000")) == text
    assert plain(Decimal(f"{value:E}")) == text


def test_zero_has_one_text_whatever_its_sign_and_exponent() -> None:
    assert {plain(Decimal(text)) for text in ("0", "-0", "0.000", "0E+7", "-0E-9")} == {"0"}
    assert plain(Decimal("1E+3")) == "1000"
    assert plain(Decimal("100")) == "100"
