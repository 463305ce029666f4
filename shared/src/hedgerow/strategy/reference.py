"""The reference page of the resources, in Markdown, from the same schemas as the CustomResourceDefinitions."""

from collections.abc import Iterator

from hedgerow.strategy.crds import GROUP, Kind, schema_of
from hedgerow.strategy.resource import API_VERSION
from hedgerow.strategy.rules import KEYWORD
from hedgerow.strategy.structural import Schema


def reference_page(kinds: tuple[Kind, ...]) -> str:
    """Every field of every kind: what it takes, its default, what it means; and the rules between fields."""
    opening = (
        "# Resources\n\n"
        f"API version `{API_VERSION}`. `kubectl explain` shows the same words, e.g. "
        "`kubectl explain hedgestrategy.spec.policy`. `hedgerow apply -f` takes `HedgeStrategy` and `Venue` from "
        "files, by the same rules.\n"
    )
    return "\n".join([opening, *(_section(kind) for kind in kinds)])


def _section(kind: Kind) -> str:
    schema = schema_of(kind)
    names = ", ".join(f"`{name}`" for name in (f"{kind.plural}.{GROUP}", *kind.short_names))
    parts = [
        f"## {kind.name}\n\n{schema['description']}\n\nNames for kubectl: {names}.\n",
        "| Field | Takes | Default | Meaning |\n|---|---|---|---|",
        *_rows(schema["properties"]["spec"], "spec"),
        "\nBetween fields:\n",
        *_rules(schema, ""),
        "\nReported by the operator:\n",
        "| Field | Meaning |\n|---|---|",
        *(
            f"| `{path}` | {_cell(field['description'])} |"
            for path, field in _fields(_status(schema), "status")
        ),
        "",
    ]
    return "\n".join(parts)


def _status(schema: Schema) -> Schema:
    found: Schema = schema["properties"]["status"]
    return found


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every field below a schema with its path, blocks before what is in them."""
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        yield here, field
        yield from _fields(field, here)
        yield from _fields(field.get("items", {}), f"{here}[]")


def _rows(schema: Schema, path: str) -> Iterator[str]:
    required = {f"{path}.{name}" for name in schema.get("required", [])}
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        default = _yaml(field["default"]) if "default" in field else "required" if here in required else ""
        yield f"| `{here}` | {_cell(_takes(field))} | {default} | {_cell(field['description'])} |"
        yield from _rows(field, here)
        yield from _rows(field.get("items", {}), f"{here}[]")


def _takes(field: Schema) -> str:
    if "enum" in field:
        return ", ".join(_yaml(value) for value in field["enum"])
    match field["type"]:
        case "integer":
            return f"{field['minimum']} to {field['maximum']}"
        case "boolean":
            return "`true`, `false`"
        case "array":
            return f"a list of {field['minItems']} to {field['maxItems']}"
        case "object":
            return "a block"
        case _:
            message: str = field[KEYWORD][0]["message"]
            return message.partition("; write ")[2]


def _rules(schema: Schema, path: str) -> Iterator[str]:
    """Every rule but those that say what one text must be like; the table has these."""
    for rule in schema.get(KEYWORD, []):
        if "pattern" not in schema or "oldSelf" in rule["rule"]:
            at = (path + rule.get("fieldPath", "")).lstrip(".")
            yield f"- {f'`{at}`: ' if at else ''}{rule['message']}"
    if schema.get("x-kubernetes-list-type") == "map":
        yield f"- `{path}`: no two items have the same `{schema['x-kubernetes-list-map-keys'][0]}`"
    for name, field in schema.get("properties", {}).items():
        if (path, name) != ("", "status"):
            yield from _rules(field, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from _rules(schema["items"], f"{path}[]")


def _yaml(value: object) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
