"""The chart's values describe themselves, and deploy everything there is."""

import importlib.metadata
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "charts" / "hedgerow"
# Run in other ways than by `workers`: a section of its own, and by the operator.
ELSEWHERE = {"exchange", "executor", "accounts"}
# What makes up a market: a prod profile has none of it.
ONLY_DEV = {"order-generator"}


def load(name: str) -> dict[str, Any]:
    return YAML(typ="safe").load((CHART / name).read_text())


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chart_schema", ROOT / "scripts" / "chart_schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def deployed_roles(values: dict[str, Any], over: dict[str, Any]) -> list[str]:
    workers = dict(values["workers"])
    for name, worker in over.get("workers", {}).items():
        workers[name] = None if worker is None else {**workers.get(name, {}), **worker}
    return sorted(role for worker in workers.values() if worker for role in worker["roles"])


def test_the_schema_is_what_the_values_say(generator: ModuleType) -> None:
    wanted = generator.build((CHART / "values.yaml").read_text())
    assert (CHART / "values.schema.json").read_text() == wanted, "run `make generate`"


def test_a_value_without_a_comment_is_refused_by_its_name(generator: ModuleType) -> None:
    with pytest.raises(generator.UndescribedValue, match=r"kafka\.heap"):
        generator.build("# A log.\nkafka:\n  heap: 512m\n")


def test_what_a_comment_says_of_the_schema_wins_over_what_the_value_implies(generator: ModuleType) -> None:
    schema = generator.build('# Pods.\n# @schema {"minimum": 1}\nreplicas: 2\n')
    assert '"minimum": 1' in schema
    assert '"description": "Pods."' in schema


def test_every_role_that_is_installed_is_deployed_exactly_once() -> None:
    installed = {point.name for point in importlib.metadata.entry_points(group="hedgerow.roles")}
    assert deployed_roles(load("values.yaml"), {}) == sorted(installed - ELSEWHERE)


def test_the_prod_profile_deploys_every_role_but_those_that_make_up_a_market() -> None:
    installed = {point.name for point in importlib.metadata.entry_points(group="hedgerow.roles")}
    roles = deployed_roles(load("values.yaml"), load("values-prod.yaml"))
    assert roles == sorted(installed - ELSEWHERE - ONLY_DEV)
