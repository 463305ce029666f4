"""Whether a new schema accepts whatever an old one accepted, so that what is stored stays valid after an upgrade
and means what it meant."""

from collections.abc import Iterator

from hedgerow.strategy.rules import KEYWORD
from hedgerow.strategy.structural import Schema

_UPPER = ("maximum", "maxLength", "maxItems")
_LOWER = ("minimum", "minItems")
# What cannot be compared, so that any change may refuse something.
_OPAQUE = ("type", "format", "pattern", "x-kubernetes-list-type", "x-kubernetes-list-map-keys")


def narrowings(old: Schema, new: Schema, path: str = "") -> list[str]:
    """Each way in which the new schema may refuse what the old one accepted, with the field's path. Conservative: a
    changed pattern or a new rule counts, though nothing stored may break it."""
    return list(_narrowings(old, new, path))


def _narrowings(old: Schema, new: Schema, path: str) -> Iterator[str]:
    at = path or "the resource"
    for keyword in _OPAQUE:
        if keyword in new and new[keyword] != old.get(keyword):
            yield f"{at}: {keyword} was {old.get(keyword, 'not there')} and is {new[keyword]}"
    yield from _bounds(old, new, at)
    yield from _values(old, new, at)
    before = {rule["rule"] for rule in old.get(KEYWORD, [])}
    for rule in new.get(KEYWORD, []):
        if rule["rule"] not in before:
            yield f"{at}: there is a new rule: {rule['message']}"
    yield from _fields(old, new, path)
    if "items" in old and "items" in new:
        yield from _narrowings(old["items"], new["items"], f"{path}[]")


def _bounds(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for keyword in _UPPER:
        if keyword in new and (keyword not in old or new[keyword] < old[keyword]):
            yield f"{at}: {keyword} was {old.get(keyword, 'not there')} and is {new[keyword]}"
    for keyword in _LOWER:
        if keyword in new and (keyword not in old or new[keyword] > old[keyword]):
            yield f"{at}: {keyword} was {old.get(keyword, 'not there')} and is {new[keyword]}"


def _values(old: Schema, new: Schema, at: str) -> Iterator[str]:
    if "enum" not in new:
        return
    if "enum" not in old:
        yield f"{at}: only {new['enum']} are left"
        return
    gone = [value for value in old["enum"] if value not in new["enum"]]
    if gone:
        yield f"{at}: {gone} are gone"


def _fields(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    required = set(new.get("required", [])) - set(old.get("required", []))
    for name in sorted(required):
        # A field that was left out is filled in before it is asked for.
        if "default" not in after.get(name, {}):
            yield f"{path}.{name}: it is required now"
    for name, field in before.items():
        here = f"{path}.{name}"
        if name not in after:
            yield f"{here}: it is gone"
            continue
        if "default" in field and field["default"] != after[name].get("default"):
            yield f"{here}: its default was {field['default']} and is {after[name].get('default', 'not there')}"
        yield from _narrowings(field, after[name], here)
