"""CRDs and what else is generated from the models: complete, current, and never silently less than the models say."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from hedgerow.strategy.crds import KINDS, Kind, schema_of
from hedgerow.strategy.rules import KEYWORD
from hedgerow.strategy.structural import UnknownKeyword, structural_schema
from hedgerow_local.generated import generate, generated_files, stale_files

ROOT = Path(__file__).resolve().parents[3]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def fields(schema: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every schema below this one, with its path."""
    inner = [(f"{path}.{name}", field) for name, field in schema.get("properties", {}).items()]
    if "items" in schema:
        inner.append((f"{path}[]", schema["items"]))
    return [pair for at, field in inner for pair in ((at, field), *fields(field, at))]


def test_generated_files_are_current() -> None:
    assert stale_files(ROOT) == [], "run `make generate` and commit what it writes"


def test_generating_writes_what_is_stale_and_takes_away_what_nothing_makes(tmp_path: Path) -> None:
    assert sorted(generate(tmp_path)) == sorted(generated_files())
    assert generate(tmp_path) == []
    (tmp_path / "k8s/crds/venues.yaml").write_text("edited by hand")
    (tmp_path / "k8s/crds/forgotten.yaml").write_text("of a kind that is gone")
    assert generate(tmp_path) == [Path("k8s/crds/forgotten.yaml"), Path("k8s/crds/venues.yaml")]
    assert stale_files(tmp_path) == []


@every_kind
def test_every_field_says_what_it_is_for(kind: Kind) -> None:
    schema = schema_of(kind)
    found = fields(schema)
    assert len(found) > 10
    own = [path for path, _ in found if path.startswith((".spec", ".status")) and not path.endswith("[]")]
    assert [
        path for path, field in found if path in own and not field.get("description", "").endswith(".")
    ] == []


@every_kind
def test_every_text_list_and_number_is_bounded(kind: Kind) -> None:
    for path, field in fields(schema_of(kind)["properties"]["spec"]):
        match field["type"]:
            case "string":
                assert "enum" in field or {"maxLength", "pattern"} <= field.keys(), path
            case "integer":
                assert {"minimum", "maximum"} <= field.keys(), path
            case "array":
                assert "maxItems" in field, path
            case "boolean" | "object":
                assert "additionalProperties" not in field, path
            case other:
                pytest.fail(f"{path}: {other} is not for resources")


@every_kind
def test_every_rule_says_what_would_be_right(kind: Kind) -> None:
    schema = schema_of(kind)
    rules = [rule for _, field in [("", schema), *fields(schema)] for rule in field.get(KEYWORD, [])]
    assert rules
    assert [rule for rule in rules if "; " not in rule["message"] or "\n" in rule["message"]] == []


@every_kind
def test_conditions_are_kept_by_their_type(kind: Kind) -> None:
    conditions = schema_of(kind)["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert set(conditions["items"]["required"]) == {
        "type", "status", "reason", "lastTransitionTime", "observedGeneration",
    }  # fmt: skip


class Multiple(BaseModel):
    size: Annotated[int, Field(multiple_of=5)]


class Either(BaseModel):
    size: int | str


class Map(BaseModel):
    sizes: dict[str, int]


class Anything(BaseModel):
    size: Any


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Multiple, "Multiple.size: multipleOf is not known"),
        (Either, "Either.size: anyOf is only known for what may be left out"),
        (Map, "Map.sizes: additionalProperties is not known"),
        (Anything, "Anything.size: a structural schema needs one type"),
    ],
)
def test_what_the_transform_does_not_know_is_refused(model: type[BaseModel], words: str) -> None:
    with pytest.raises(UnknownKeyword, match=words):
        structural_schema(model)
