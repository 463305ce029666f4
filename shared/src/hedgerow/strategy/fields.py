"""The kinds of field that resources are made of: each carries its bounds, and says in words what would be right.

The bounds are plain `pattern`, `minimum`, `maxLength`, … so that they go into a generated schema unchanged (no
lookahead in a pattern). The words come from the check that runs before them, and go into the schema as a rule.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from hedgerow.domain.money import plain
from hedgerow.strategy.rules import KEYWORD, Rule

# The type of the errors raised here: `wrong` and `right` are in their context.
IN_WORDS: Final = "in_words"


class Part(BaseModel):
    """A block of a resource: camelCase in files, nothing unknown, never changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, serialize_by_alias=True)


def in_words(wrong: str, right: str) -> PydanticCustomError:
    """A validation error that already says what is wrong and what would be right."""
    return PydanticCustomError(IN_WORDS, "{wrong}; {right}", {"wrong": wrong, "right": right})


class _Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of text, to annotate `str` with: what it must match, and the words for it."""

    pattern: str
    max_length: int
    right: str
    is_number: bool = False

    def check(self, value: Any) -> Any:
        """Raises the error in words; what is no text at all is left to pydantic."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if self.is_number:
                raise in_words(
                    f"{value!r} is a YAML number",
                    f'money and ratios are decimal strings, so quote it: "{_as_text(value)}"',
                )
            raise in_words(f"{value!r} is a YAML number", f"write {self.right}")
        if isinstance(value, str):
            if len(value) > self.max_length:
                raise in_words(
                    f"{len(value)} characters are too many", f"at most {self.max_length} are allowed"
                )
            if not re.fullmatch(self.pattern, value):
                raise in_words(f'"{value}" does not fit', f"write {self.right}")
        return value

    def in_cel(self, value: str = "self") -> str:
        """CEL that is true for text of this kind."""
        return f"{value}.matches(r'{self.pattern}')"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=self.pattern, max_length=self.max_length)
        return core_schema.no_info_before_validator_function(self.check, text)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        shown = "'\"' + self + '\" does not fit'"
        rule = Rule(cel=self.in_cel(), wrong="does not fit", right=f"write {self.right}", shown=shown)
        return {**handler(core), KEYWORD: [rule.as_schema()]}


def _as_text(value: int | float) -> str:
    return f"{Decimal(repr(value)):f}"


def _nonzero_fraction(decimals: int) -> str:
    """Pattern for up to so many decimals that are not all zero, without lookahead."""
    return "|".join("0" * zeros + f"[1-9][0-9]{{0,{decimals - zeros - 1}}}" for zeros in range(decimals))


_WHOLE = "[1-9][0-9]{0,14}"
_DECIMAL = _Kind(
    pattern=rf"^-?(0|{_WHOLE})(\.[0-9]{{1,9}})?$",
    max_length=26,
    right='a decimal string with at most 15 digits before and 9 after the point, e.g. "-25000" or "0.5"',
    is_number=True,
)
_POSITIVE_DECIMAL = _Kind(
    pattern=rf"^({_WHOLE}(\.[0-9]{{1,9}})?|0\.({_nonzero_fraction(9)}))$",
    max_length=25,
    right='a positive decimal string with at most 15 digits before and 9 after the point, e.g. "25000" or "0.5"',
    is_number=True,
)
_FRACTION = _Kind(
    pattern=r"^(0(\.[0-9]{1,9})?|1(\.0{1,9})?)$",
    max_length=11,
    right='a fraction from 0 to 1 as a decimal string with at most 9 decimals, e.g. "0.25"',
    is_number=True,
)
_POSITIVE_FRACTION = _Kind(
    pattern=rf"^(0\.({_nonzero_fraction(9)})|1(\.0{{1,9}})?)$",
    max_length=11,
    right='a fraction above 0 and up to 1 as a decimal string with at most 9 decimals, e.g. "0.8"',
    is_number=True,
)
_DURATION = _Kind(
    pattern="^(0|[1-9][0-9]{0,4})(ms|s|m|h)$",
    max_length=7,
    right="a whole number with its unit ms, s, m or h, e.g. 500ms, 3s or 1m",
)
_POSITIVE_DURATION = _Kind(
    pattern="^[1-9][0-9]{0,4}(ms|s|m|h)$",
    max_length=7,
    right="a positive whole number with its unit ms, s, m or h, e.g. 500ms, 3s or 1m",
)
_NAME = _Kind(
    pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    max_length=63,
    right="lower-case letters, digits and inner dashes, e.g. btc-band",
)
_ACCOUNT = _Kind(
    pattern="^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
    max_length=63,
    right="letters, digits and inner dashes, dots or underscores, e.g. hedge-01",
)
# An index has a name only; a dated future ends with its day.
_SYMBOL = _Kind(
    pattern="^([A-Z]{1,5}|[A-Z0-9]{1,20}/[A-Z0-9]{1,20}(:[A-Z0-9]{1,20}(-[0-9]{6})?)?)$",
    max_length=69,
    right="the unified symbol, e.g. BTC/USDT for spot or BTC/USDT:USDT for a perpetual",
)
_ASSET = _Kind(pattern="^[A-Z0-9]{1,20}$", max_length=20, right="an asset in capital letters, e.g. BTC")
_LABEL_KEY = _Kind(
    pattern="^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
    max_length=317,
    right="a label key, e.g. team or example.org/team",
)
_LABEL_VALUE = _Kind(
    pattern="^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
    max_length=63,
    right="letters, digits and inner dashes, dots or underscores",
)
_SECRET_NAME = _Kind(
    pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
    max_length=253,
    right="lower-case letters, digits and inner dashes or dots, e.g. paper-trade-keys",
)
_REASON = _Kind(
    pattern=r"^[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$",
    max_length=512,
    right="one line of text, e.g. exchange incident",
)
_ANNOTATION = _Kind(pattern=r"^[\s\S]*$", max_length=4096, right="text in quotes")


def name_of_resource() -> Rule:
    """Kubernetes allows longer names, with dots; a name here also names an account's objects and a Kafka key."""
    cel = f"self.metadata.name.size() <= {_NAME.max_length} && {_NAME.in_cel('self.metadata.name')}"
    shown = "'metadata.name: \"' + self.metadata.name + '\" does not fit'"
    right = f"write at most {_NAME.max_length} {_NAME.right}"
    return Rule(cel=cel, wrong="metadata.name does not fit", right=right, shown=shown)


DecimalText = Annotated[str, _DECIMAL]
PositiveDecimalText = Annotated[str, _POSITIVE_DECIMAL]
FractionText = Annotated[str, _FRACTION]
PositiveFractionText = Annotated[str, _POSITIVE_FRACTION]
Duration = Annotated[str, _DURATION]
PositiveDuration = Annotated[str, _POSITIVE_DURATION]
Name = Annotated[str, _NAME]
AccountId = Annotated[str, _ACCOUNT]
SecretName = Annotated[str, _SECRET_NAME]
Symbol = Annotated[str, _SYMBOL]
Asset = Annotated[str, _ASSET]
Reason = Annotated[str, _REASON]
LabelKey = Annotated[str, _LABEL_KEY]
LabelValue = Annotated[str, _LABEL_VALUE]
AnnotationValue = Annotated[str, _ANNOTATION]
Flag = Annotated[bool, Field(strict=True)]


MAX_ITEMS = 16


def list_by(key: str) -> Any:
    """A list whose items are told apart by one of their fields: no two have the same."""
    extra: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}
    return Field(min_length=1, max_length=MAX_ITEMS, json_schema_extra=extra)


_UNIT_NS = {"ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}


def duration_ns(text: str) -> int:
    """Nanoseconds of a `Duration`, e.g. `500ms`."""
    unit = "ms" if text.endswith("ms") else text[-1]
    return int(text.removesuffix(unit)) * _UNIT_NS[unit]


def decimal_of(text: str) -> Decimal:
    """Canonical: `25000` and `25000.00` become the same bytes on the wire, and so the same revision."""
    return Decimal(plain(Decimal(text)))


def decimal_if(text: str | None) -> Decimal | None:
    """As `decimal_of`, of what may be left out."""
    return None if text is None else decimal_of(text)
