"""The chart's copies of the CRDs render to what `kubectl apply -f k8s/crds` installs."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kube_server import ROOT, program
from ruamel.yaml import YAML

from hedgerow.strategy.crds import KINDS, crd_of

HELPERS = '{{- define "hedgerow.labels" -}}\napp.kubernetes.io/part-of: hedgerow\n{{- end }}\n'


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart of nothing but the CRDs' templates."""
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "charts/hedgerow/templates/crds", templates / "crds")
    (templates / "_helpers.tpl").write_text(HELPERS)
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: hedgerow\nversion: 0.1.0\n")
    (tmp_path / "values.yaml").write_text("crds: {enabled: true, keep: true}\n")
    return tmp_path


def rendered(chart: Path, *settings: str) -> dict[str, dict[str, Any]]:
    command = [str(program("helm")), "template", "release", str(chart), *settings]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    documents = YAML(typ="safe", pure=True).load_all(result.stdout)
    return {item["metadata"]["name"]: item for item in documents if item}


def test_the_chart_installs_the_same_crds_and_keeps_them(chart: Path) -> None:
    found = rendered(chart)
    assert len(found) == len(KINDS)
    for kind in KINDS:
        crd = crd_of(kind)
        own = found[crd["metadata"]["name"]]
        assert own["spec"] == crd["spec"]
        assert own["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert own["metadata"]["labels"] == {"app.kubernetes.io/part-of": "hedgerow"}


def test_the_crds_go_with_the_release_when_they_are_not_kept(chart: Path) -> None:
    assert all(
        "annotations" not in crd["metadata"] for crd in rendered(chart, "--set=crds.keep=false").values()
    )


def test_the_crds_can_be_left_to_another_release(chart: Path) -> None:
    assert rendered(chart, "--set=crds.enabled=false") == {}
