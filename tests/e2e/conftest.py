"""A real cluster with the chart in it. Only run by `make e2e`; docs/guide/kubernetes.md says which cluster it takes.

HEDGEROW_E2E_KUBECONFIG   a cluster to use instead of the one-node cluster
HEDGEROW_E2E_VALUES       a values file that names images which that cluster can get
HEDGEROW_E2E_KEEP=1       leave the one-node cluster running
HEDGEROW_E2E_EDITS        how many edits are timed (50)
HEDGEROW_E2E_STRATEGIES   how many strategies are applied at once (1000)
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from figures import Figures
from release_ledger import ReleaseLedger

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ONENODE = HERE / "onenode"
NAMESPACE = "hedgerow-e2e"
RELEASE = "hedgerow"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("HEDGEROW_E2E") != "1":
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="needs a cluster: make e2e"))


def _shown(*command: str) -> None:
    """Run a script whose output is shown as it comes."""
    subprocess.run(command, check=True)


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    found = Figures()
    yield found
    print(f"\n\nMeasured on {os.cpu_count()} processors:\n{found.table()}", flush=True)


@pytest.fixture(scope="session")
def values() -> Path:
    given = os.environ.get("HEDGEROW_E2E_VALUES")
    return Path(given) if given else ONENODE / "values.yaml"


@pytest.fixture(scope="session")
def cluster(figures: Figures) -> Iterator[Cluster]:
    """The cluster, with a namespace of ours that is gone afterwards."""
    given = os.environ.get("HEDGEROW_E2E_KUBECONFIG")
    if given:
        yield from _with_namespace(Cluster(Path(given), NAMESPACE, tools=None))
        return
    begun = time.monotonic()
    try:
        _shown(str(ONENODE / "up.sh"))
        figures.add("one-node cluster up", f"{time.monotonic() - begun:.0f} s")
        begun = time.monotonic()
        _shown(str(ONENODE / "release_images.sh"))
        figures.add("images made and loaded", f"{time.monotonic() - begun:.0f} s")
        settings = dict(
            line.split("=", 1)
            for line in subprocess.run(
                [str(ONENODE / "up.sh"), "--where"], capture_output=True, text=True, check=True
            ).stdout.splitlines()
        )
        yield from _with_namespace(
            Cluster(Path(settings["KUBECONFIG"]), NAMESPACE, tools=Path(settings["TOOLS"]))
        )
    finally:
        if os.environ.get("HEDGEROW_E2E_KEEP") != "1":
            _shown(str(ONENODE / "down.sh"))


def _with_namespace(found: Cluster) -> Iterator[Cluster]:
    _clear(found)
    found.run("kubectl", "create", "namespace", NAMESPACE)
    found.run("kubectl", "label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    yield found
    _clear(found)


def _clear(found: Cluster) -> None:
    """What a failed run left. The strategies first: only a running operator lets go of them."""
    if "hedgestrategies" in found.run("kubectl", "get", "crd", "--output=name"):
        found.kubectl("delete", "hedgestrategies,venues,halts", "--all", "--timeout=300s")
    found.helm("uninstall", RELEASE, "--ignore-not-found", "--wait", "--timeout", "10m")
    found.run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=300s")


@pytest.fixture(scope="session")
def ledger(cluster: Cluster) -> ReleaseLedger:
    return ReleaseLedger(cluster, RELEASE)
