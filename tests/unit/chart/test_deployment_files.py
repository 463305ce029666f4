"""The files that need an engine, kind or GitHub to run: what can be held of them without."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def load(path: str) -> dict[str, Any]:
    return YAML(typ="safe").load((ROOT / path).read_text())


def has_key(values: dict[str, Any], path: str) -> bool:
    found: Any = values
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True


def keys_of(values: dict[str, Any], before: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        path = f"{before}{key}"
        found += keys_of(value, f"{path}.") if isinstance(value, dict) else [path]
    return found


def test_skaffold_builds_targets_that_the_dockerfile_has() -> None:
    for artifact in load("skaffold.yaml")["build"]["artifacts"]:
        docker = artifact["docker"]
        assert f" AS {docker['target']}\n" in DOCKERFILE
        assert all(f"ARG {name}" in DOCKERFILE for name in docker["buildArgs"])


def test_skaffold_sets_values_that_the_chart_has() -> None:
    (release,) = load("skaffold.yaml")["deploy"]["helm"]["releases"]
    values = load("charts/hedgerow/values.yaml")
    assert (ROOT / release["chartPath"] / "Chart.yaml").is_file()
    assert all(has_key(values, path) for path in release["setValueTemplates"])


@pytest.mark.parametrize("given", ["tests/e2e/onenode/values.yaml", "tests/e2e/upstream-values.yaml"])
def test_end_to_end_values_change_nothing_but_images(given: str) -> None:
    values = load("charts/hedgerow/values.yaml")
    for path in keys_of(load(given)):
        assert has_key(values, path), path
        # Debian has no Grafana.
        assert re.search(r"(^|\.)(image|repository|tag)$", path) or path == "grafana.enabled", path


def test_every_stage_is_built_from_a_base_that_is_an_argument_or_another_stage() -> None:
    stages = set(re.findall(r" AS ([\w-]+)$", DOCKERFILE, re.M))
    for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.M):
        assert base.startswith(("${", "kernels-${")) or base in stages | {"scratch"}, base


def test_no_image_runs_as_root() -> None:
    runtime = DOCKERFILE[DOCKERFILE.index(" AS runtime") :]
    assert re.findall(r"^USER (.*)$", runtime, re.M) == ["10001:10001"]


def test_the_workflow_runs_what_the_makefile_has_on_images_that_it_builds() -> None:
    (job,) = load(".github/workflows/kind.yaml")["jobs"].values()
    scripts = "\n".join(step.get("run", "") for step in job["steps"])
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{target}:" in makefile for target in re.findall(r"^make (\w+)", scripts, re.M))
    (variables,) = [step["env"] for step in job["steps"] if "HEDGEROW_E2E_VALUES" in step.get("env", {})]
    values = load(variables["HEDGEROW_E2E_VALUES"])
    for image in (values["image"], values["operator"]["image"]):
        assert f"--tag {image['repository']}:{image['tag']}" in scripts
