"""Writes the chart's closed values.schema.json from its commented values.yaml.

The comment above a key is its description; what its value is implies its type; a line `@schema {…}` merges into
that. `python scripts/chart_schema.py [--check]`: write the file, or only tell whether it would change.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CHART = Path(__file__).resolve().parents[1] / "charts" / "hedgerow"
ANNOTATION = "@schema "
_KEY = re.compile(r"^(?P<indent> *)(?P<dash>- )?(?P<key>[A-Za-z][\w-]*):")

_QUANTITY = {"type": ["string", "integer"], "pattern": "^[0-9]+(\\.[0-9]+)?(m|Ki|Mi|Gi)?$"}
_AMOUNTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"cpu": _QUANTITY, "memory": _QUANTITY, "ephemeral-storage": _QUANTITY},
}
DEFINITIONS: dict[str, Any] = {
    "resources": {
        "type": "object",
        "additionalProperties": False,
        "required": ["requests", "limits"],
        "properties": {"requests": _AMOUNTS, "limits": _AMOUNTS},
    },
    "worker": {
        # Null takes a worker of the default values away.
        "type": ["object", "null"],
        "additionalProperties": False,
        "required": ["roles", "replicas", "resources"],
        "properties": {
            "roles": {
                "description": "What it runs, as in `hedgerow worker --roles`.",
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"type": "string", "minLength": 1},
            },
            "replicas": {"description": "How many pods.", "type": "integer", "minimum": 0},
            "resources": {"$ref": "#/$defs/resources"},
        },
    },
}


class UndescribedValue(ValueError):
    """A key has no comment above it; the message names it."""


def comments_of(text: str) -> dict[tuple[str, ...], list[str]]:
    """The comment lines right above each key, by its path; an item of a list counts as its list."""
    found: dict[tuple[str, ...], list[str]] = {}
    path: list[tuple[int, str]] = []
    pending: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            pending.append(stripped.removeprefix("#").strip())
        elif match := _KEY.match(line):
            indent = len(match["indent"])
            path = [entry for entry in path if entry[0] < indent]
            path.append((indent, match["key"]))
            found.setdefault(tuple(key for _, key in path), pending)
            pending = []
        else:
            pending = []
    return found


def schema_of(
    value: Any, path: tuple[str, ...], comments: dict[tuple[str, ...], list[str]]
) -> dict[str, Any]:
    """The schema of one value and what is below it.

    Raises:
        UndescribedValue: a key has no description.
    """
    lines = comments.get(path, [])
    schema = _implied(value, path, comments, described="$ref" in "".join(lines))
    for line in lines:
        if line.startswith(ANNOTATION):
            schema |= json.loads(line.removeprefix(ANNOTATION))
    if "$ref" in schema:
        schema = {"$ref": schema["$ref"]}
    description = " ".join(line for line in lines if line and not line.startswith(ANNOTATION))
    if path and not description:
        raise UndescribedValue(f"{'.'.join(path)} in values.yaml has no comment above it")
    return {"description": description, **schema} if description else schema


def _implied(
    value: Any, path: tuple[str, ...], comments: dict[tuple[str, ...], list[str]], described: bool
) -> dict[str, Any]:
    match value:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case list():
            return _list(value)
        case dict() if described:
            return {"type": "object"}
        case dict():
            return {
                "type": "object",
                "additionalProperties": False,
                "properties": {key: schema_of(item, (*path, key), comments) for key, item in value.items()},
            }
    raise TypeError(
        f"{'.'.join(path)} in values.yaml is a {type(value).__name__}, of which no schema is known"
    )


def _list(value: list[Any]) -> dict[str, Any]:
    if not value or not isinstance(value[0], dict):
        return {"type": "array", "uniqueItems": True, "items": {"type": "string", "minLength": 1}}
    names = list(value[0])
    return {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": names,
            "properties": {name: {"type": "string", "minLength": 1} for name in names},
        },
    }


def build(text: str) -> str:
    """The schema's text for a values.yaml."""
    values = YAML(typ="safe").load(text)
    schema = schema_of(values, (), comments_of(text))
    # What Helm itself puts there when the chart is another's part.
    schema["properties"]["global"] = {"type": "object"}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Values of the chart hedgerow",
    }
    return json.dumps({**whole, **schema, "$defs": DEFINITIONS}, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    target = CHART / "values.schema.json"
    wanted = build((CHART / "values.yaml").read_text())
    if "--check" in sys.argv[1:]:
        if not target.exists() or target.read_text() != wanted:
            sys.stderr.write(f"{target.name} is not what values.yaml says: run `make generate`\n")
            return 1
        return 0
    target.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
