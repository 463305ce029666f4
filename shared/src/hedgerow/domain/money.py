"""Decimal arithmetic for money and order quantities.

Every rounding here names its direction. Nothing rounds silently: a value that does not sit on its step is
either refused (`require_step`) or moved by a function whose name says which way.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

BPS = Decimal(10_000)
ZERO = Decimal(0)
# In powers of ten, up and down.
LARGEST_MAGNITUDE = 100


def parse_decimal(text: str) -> Decimal:
    """Read a finite decimal from its text.

    Raises:
        ValueError: the text is no number, or is NaN or infinite.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not finite")
    return value


def require_amounts(what: str, values: Iterable[Decimal]) -> None:
    """
    Raises:
        ValueError: one is NaN, infinite, or of a magnitude that no price or quantity has: written out, such a number
            fills the memory.
    """
    for value in values:
        if not value.is_finite() or abs(value.adjusted()) > LARGEST_MAGNITUDE:
            raise ValueError(
                f"{what} is {value}: a price or quantity is finite, and below 1e{LARGEST_MAGNITUDE}"
            )


def exact_decimal(value: float) -> Decimal:
    """The shortest decimal that reads back as this float: 61837.63 becomes Decimal('61837.63').

    Raises:
        ValueError: the value is NaN or infinite.
    """
    return parse_decimal(repr(value))


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `value`."""
    # Not by value / step: a quotient is rounded to 28 digits, and 2.9…9 could become 3.
    whole, rest = divmod(value, step)
    return (whole - 1 if rest < 0 else whole) * step


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below `value`."""
    whole, rest = divmod(value, step)
    return (whole + 1 if rest > 0 else whole) * step


def is_on_step(value: Decimal, step: Decimal) -> bool:
    """Whether `value` is a whole multiple of `step`."""
    return value % step == 0


def plain(value: Decimal) -> str:
    """Canonical text: no exponent, no trailing zeros, so that equal numbers have equal text."""
    if value == 0:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
