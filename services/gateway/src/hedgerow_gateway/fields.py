"""The kinds of field that requests and answers are made of."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from hedgerow.domain.money import is_on_step, plain
from hedgerow.domain.times import parse_time, show_time

# As books have it: within these every number is exact, here and in Postgres.
SMALLEST = Decimal("1e-12")
LARGEST = Decimal("1e12")
HIGHEST_RATE = 2
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")

NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$"


def wrong(words: str) -> PydanticCustomError:
    return PydanticCustomError("in_words", "{words}", {"words": words})


def _amount(value: Any) -> Decimal:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise wrong('should be a number, or a decimal string such as "0.5"')
    amount = Decimal(value)
    if not amount.is_finite():
        raise wrong("should be finite")
    if not amount:
        return Decimal(0)
    # copy_abs, because abs() rounds and overflows.
    if not SMALLEST <= amount.copy_abs() <= LARGEST:
        raise wrong(f"should be between {plain(SMALLEST)} and {plain(LARGEST)} in size")
    if not is_on_step(amount, SMALLEST):
        raise wrong("has more than 12 decimals")
    return amount


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise wrong("should be positive")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise wrong("should not be negative")
    return value


def _yearly(value: Decimal) -> Decimal:
    if not 0 <= value <= HIGHEST_RATE:
        raise wrong(f"should be a fraction from 0 to {HIGHEST_RATE}; 0.06 is 6 % a year")
    return value


def _score(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise wrong(f"is {plain(value)}; a score is a number from 0 to 1")
    return value


def _time_ns(value: Any) -> int:
    try:
        return parse_time(value if isinstance(value, str) else "")
    except ValueError as error:
        raise wrong(str(error)) from None


def _printable(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise wrong("should be readable text on one line")
    return value.strip()


def _decimal_schema(pattern: str, number: dict[str, Any], example: str) -> Any:
    return WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": pattern}, {"type": "number", **number}],
            "examples": [example],
        }
    )


Positive = Annotated[
    Decimal,
    BeforeValidator(_amount),
    AfterValidator(_positive),
    _decimal_schema(r"^[0-9]{1,13}(\.[0-9]{1,12})?$", {"exclusiveMinimum": 0, "maximum": 1e12}, "0.5"),
]
NotNegative = Annotated[
    Decimal,
    BeforeValidator(_amount),
    AfterValidator(_not_negative),
    _decimal_schema(r"^[0-9]{1,13}(\.[0-9]{1,12})?$", {"minimum": 0, "maximum": 1e12}, "12.5"),
]
YearlyRate = Annotated[
    Decimal,
    BeforeValidator(_amount),
    AfterValidator(_yearly),
    _decimal_schema(r"^[0-2](\.[0-9]{1,12})?$", {"minimum": 0, "maximum": HIGHEST_RATE}, "0.06"),
]
Signed = Annotated[
    Decimal,
    BeforeValidator(_amount),
    _decimal_schema(r"^-?[0-9]{1,13}(\.[0-9]{1,12})?$", {"minimum": -1e12, "maximum": 1e12}, "-1.25"),
]
Score = Annotated[
    Decimal,
    BeforeValidator(_amount),
    AfterValidator(_score),
    _decimal_schema(r"^(0(\.[0-9]{1,12})?|1(\.0{1,12})?)$", {"minimum": 0, "maximum": 1}, "0.62"),
]
Shown = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["0.5"]}, mode="serialization"
    ),
]
GivenTime = Annotated[
    int,
    BeforeValidator(_time_ns),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-01T12:00:00.250Z"]}),
]
ShownTime = Annotated[
    int,
    PlainSerializer(show_time, return_type=str),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-03-01T12:00:00.250000000Z"]},
        mode="serialization",
    ),
]
Id = Annotated[str, Field(pattern=NAME_PATTERN)]
Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_printable)]
