"""From a pydantic model to the structural schema that a CustomResourceDefinition asks for.

An allow-list: each keyword that pydantic writes is translated here or refused, so that a new one is never lost
silently.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from hedgerow.strategy.rules import KEYWORD

Schema = dict[str, Any]

# What a schema may say, in the order it is written in.
_ORDER: Final = (
    "description", "type", "format", "enum", "default", "pattern", "maxLength", "minimum", "maximum",
    "minItems", "maxItems", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", KEYWORD,
    "required", "properties", "items",
)  # fmt: skip
_DEFS: Final = "#/$defs/"


class UnknownKeyword(ValueError):
    """A model says something that this transform does not know how to say in a structural schema."""


def structural_schema(model: type[BaseModel], without: str = "") -> Schema:
    """The model's structural schema, with the names that files use and without one of its fields.

    Raises:
        UnknownKeyword: its path and name; teach the transform, or say it otherwise in the model.
    """
    schema = model.model_json_schema(by_alias=True)
    schema["properties"].pop(without, None)
    return _Transform(schema.pop("$defs", {})).of(schema, model.__name__)


class _Transform:
    def __init__(self, blocks: Mapping[str, Schema]) -> None:
        self._blocks = blocks

    def of(self, schema: Schema, path: str) -> Schema:
        schema = self._inlined(schema, path)
        found: Schema = {}
        for keyword, value in schema.items():
            match keyword:
                case "title":
                    continue
                case "description":
                    found["description"] = " ".join(str(value).split())
                case "const":
                    found["enum"] = [value]
                case "additionalProperties" if value is False:
                    # A structural schema prunes or refuses what it does not list; it must not say so.
                    continue
                case "items":
                    found["items"] = self.of(value, f"{path}[]")
                case "properties":
                    found["properties"] = {
                        name: self.of(field, f"{path}.{name}") for name, field in value.items()
                    }
                case _ if keyword in _ORDER:
                    found[keyword] = value
                case _:
                    raise UnknownKeyword(f"{path}: {keyword} is not known to the transform")
        if "type" not in found:
            raise UnknownKeyword(f"{path}: a structural schema needs one type")
        return {keyword: found[keyword] for keyword in _ORDER if keyword in found}

    def _inlined(self, schema: Schema, path: str) -> Schema:
        """The schema with its block in place of `$ref`, and what may be left out in place of `null`."""
        if "anyOf" in schema:
            given = [option for option in schema["anyOf"] if option != {"type": "null"}]
            if len(given) != 1 or len(schema["anyOf"]) != 2 or schema.get("default", 0) is not None:
                raise UnknownKeyword(f"{path}: anyOf is only known for what may be left out")
            own = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
            return self._inlined(_merged(given[0], own), path)
        if "$ref" in schema:
            own = {key: value for key, value in schema.items() if key != "$ref"}
            return self._inlined(_merged(self._blocks[schema["$ref"].removeprefix(_DEFS)], own), path)
        return schema


def _merged(block: Schema, own: Schema) -> Schema:
    """A block as one field uses it: the field's words win, the rules of both hold."""
    both = [*block.get(KEYWORD, []), *own.get(KEYWORD, [])]
    return {**block, **own, **({KEYWORD: both} if both else {})}
