"""Rules between fields, in CEL: the API server checks them, and says them in words.

They stand on the models, so that a generated CRD carries them. What a file declares is held to the same rules by the
models' own checks and by `compile`; a test gives each rule's examples to both.
"""

from typing import Any, Final

import msgspec
from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

KEYWORD: Final = "x-kubernetes-validations"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; as an annotation of a field it holds for that field's value.

    Attributes:
        cel: true where the value is right; `self` is the value, `oldSelf` what it was.
        wrong, right: what is wrong where it is not, and what would be right.
        shown: CEL for `wrong` with the values in it; `wrong` stands where it cannot be evaluated. Only texts: the API
            server takes a number for a text of any length, whose cost is above its budget.
        at: the field that the message is about, from the value, e.g. `.lower`.
    """

    cel: str
    wrong: str
    right: str
    shown: str = ""
    at: str = ""

    def as_schema(self) -> dict[str, str]:
        """The rule as an item of `x-kubernetes-validations`."""
        item = {"rule": self.cel, "message": f"{self.wrong}; {self.right}"}
        if self.shown:
            item["messageExpression"] = f"{self.shown} + {cel_text('; ' + self.right)}"
        if self.at:
            item["fieldPath"] = self.at
        return item

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        return {**schema, KEYWORD: [*schema.get(KEYWORD, []), self.as_schema()]}


def on_block(*rules: Rule) -> dict[str, Any]:
    """The `json_schema_extra` of a model whose value these rules hold for."""
    return {KEYWORD: [rule.as_schema() for rule in rules]}


def unchangeable(right: str) -> Rule:
    """The value stays what it was when the resource was created."""
    return Rule(cel="self == oldSelf", wrong="cannot change", right=right)


def unique(key: str, wrong: str, right: str) -> Rule:
    """No two items of a list have the same key. `key` is CEL for that of the item `item`."""
    first, second = (key.replace("item.", f"{name}.") for name in "ab")
    return Rule(cel=f"self.all(a, self.exists_one(b, {first} == {second}))", wrong=wrong, right=right)


def cel_text(text: str) -> str:
    """Text as a CEL literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
