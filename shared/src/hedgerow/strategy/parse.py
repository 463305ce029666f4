"""From plain data (a parsed YAML document, an object of the API server) to a resource, or to its problems."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hedgerow.strategy.fields import IN_WORDS
from hedgerow.strategy.halt import Halt
from hedgerow.strategy.problem import FieldPath, Problem, quoted
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue

KINDS: dict[str, type[HedgeStrategy] | type[Venue]] = {"HedgeStrategy": HedgeStrategy, "Venue": Venue}


Model = TypeVar("Model", bound=BaseModel)


def parse_resource(data: object) -> HedgeStrategy | Venue | list[Problem]:
    """The resource that plain data declares, or everything that is wrong with its shape.

    Args:
        data: of dicts with text keys, lists, text, numbers, booleans and None.
    """
    if not isinstance(data, Mapping):
        return [
            Problem(
                at=(),
                wrong=f"{_kind_of(data)} is no resource",
                right="write apiVersion, kind, metadata, spec",
            )
        ]
    kind = data.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return [_unknown_kind(kind)]
    return _parse(model, data)


def parse_halt(data: Mapping[str, Any]) -> Halt | list[Problem]:
    """The halt that an object of the API server declares, or everything that is wrong with its shape. Files do not
    declare halts: a halt that a folder holds would come back with every sync."""
    return _parse(Halt, data)


def _parse(model: type[Model], data: Mapping[str, Any]) -> Model | list[Problem]:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        return [_problem(model, item) for item in errors if not _follows_from_another(item, errors)]


def _unknown_kind(kind: object) -> Problem:
    if kind == "Halt":
        return Problem(
            at=("kind",),
            wrong="a Halt is a resource of a cluster, not of a file",
            right="use `hedgerow halt` and `hedgerow release`, or kubectl",
        )
    wrong = "is missing" if kind is None else f"{_shown(kind)} is no kind of this version"
    return Problem(at=("kind",), wrong=wrong, right=f"available are {quoted(KINDS)}")


def _follows_from_another(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    # pydantic counts only a list's good items, and calls a list of one bad item too short as well.
    at = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(at) and other["loc"][: len(at)] == at for other in errors
    )


def _problem(model: type[BaseModel], error: ErrorDetails) -> Problem:
    # pydantic marks an error in a dict's key by a last part "[key]"; the key itself stands before it.
    at: FieldPath = tuple(part for part in error["loc"] if part != "[key]")
    wrong, right = _words(model, error, at)
    return Problem(at=at, wrong=wrong, right=right)


def _words(model: type[BaseModel], error: ErrorDetails, at: FieldPath) -> tuple[str, str]:
    """What is wrong, and what would be right."""
    context, given = error.get("ctx", {}), error["input"]
    match error["type"]:
        case kind if kind == IN_WORDS:
            return str(context["wrong"]), str(context["right"])
        case "missing":
            return "is missing", _purpose(model, at)
        case "extra_forbidden":
            return _unknown_field(model, at)
        case "literal_error" | "enum":
            expected = str(context["expected"]).replace("'", '"').replace(" or ", ", ")
            return f"{_shown(given)} is not available in this version", f"available: {expected}"
        case "too_short":
            return "is empty", f"give at least {context['min_length']}"
        case "too_long":
            return f"{context['actual_length']} are too many", f"at most {context['max_length']} are allowed"
        case "greater_than_equal" | "less_than_equal":
            return f"{given} is out of range", _expected(model, at)
        case _:
            return f"{_shown(given)} does not fit here", _expected(model, at)


def _unknown_field(model: type[BaseModel], at: FieldPath) -> tuple[str, str]:
    block = _model_at(model, at[:-1])
    known = [field.alias or name for name, field in block.model_fields.items()] if block else []
    close = get_close_matches(str(at[-1]), known, n=1)
    hint = f'did you mean "{close[0]}"? ' if close else ""
    return "this version has no such field", f"{hint}there are {quoted(known)}"


def _purpose(model: type[BaseModel], at: FieldPath) -> str:
    field = _field_at(model, at)
    return f"give it: {field.description}" if field and field.description else "give it"


def _expected(model: type[BaseModel], at: FieldPath) -> str:
    """What a field takes, from its JSON schema: the one place where its bounds are."""
    field = _field_at(model, at)
    block = _model_at(model, at[:-1])
    if field is None or block is None:
        return "write text"
    schema = block.model_json_schema()["properties"][at[-1]]
    match schema.get("type"):
        case "integer":
            return f"write a whole number from {schema['minimum']} to {schema['maximum']}, without quotes"
        case "boolean":
            return "write true or false, without quotes"
        case "string":
            return f"write text: {field.description}"
        case "array":
            return "write a list, each item with a leading dash"
        case _:
            return "write fields, indented below it"


def _field_at(model: type[BaseModel], at: FieldPath) -> Any:
    block = _model_at(model, at[:-1])
    if block is None or not at:
        return None
    return next((field for name, field in block.model_fields.items() if at[-1] in (field.alias, name)), None)


def _model_at(model: type[BaseModel], at: FieldPath) -> type[BaseModel] | None:
    """The block that a path leads to; None where it leads to no block."""
    found: Any = model
    for part in at:
        if isinstance(part, int):
            continue
        field = next((item for item in found.model_fields.values() if item.alias == part), None)
        found = _block_of(field.annotation) if field is not None else None
        if found is None:
            return None
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _block_of(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _kind_of(data: object) -> str:
    return "an empty document" if data is None else f"a document that holds only {_shown(data)}"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a block of fields"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value)
    short = text if len(text) <= 60 else text[:57] + "..."
    return f'"{short}"' if isinstance(value, str) else short.lower() if isinstance(value, bool) else short
