"""What people meet with kubectl: examples apply, explain teaches, get shows what matters, and again changes nothing."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from cluster_client import ClusterClient
from kubernetes.dynamic.resource import Resource
from resource_documents import HALT, STRATEGY, VENUE
from ruamel.yaml import YAML

from hedgerow.strategy.crds import KINDS
from hedgerow.strategy.parse import parse_resource

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "k8s/examples").rglob("*.yaml"))
NAMESPACE = "default"
NOW = "2026-01-01T00:00:00Z"


def documents_of(file: Path) -> list[dict[str, Any]]:
    return [item for item in YAML(typ="safe", pure=True).load_all(file) if item]


def kind_of(cluster: ClusterClient, data: dict[str, Any]) -> Resource:
    return cluster.resources.resources.get(api_version=data["apiVersion"], kind=data["kind"])


def apply(cluster: ClusterClient, data: dict[str, Any]) -> Any:
    return cluster.resources.server_side_apply(
        kind_of(cluster, data), body=data, namespace=NAMESPACE, field_manager="test", force_conflicts=True
    )


@pytest.fixture(params=[STRATEGY, VENUE, HALT], ids=lambda data: data["kind"])
def applied(cluster: ClusterClient, request: pytest.FixtureRequest) -> Any:
    """A resource that is there while the test runs."""
    data = deepcopy(request.param)
    data["metadata"]["name"] = "applied"
    yield data, apply(cluster, data)
    cluster.resources.delete(kind_of(cluster, data), "applied", NAMESPACE)


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_every_example_is_applied_without_a_word_of_complaint(cluster: ClusterClient, file: Path) -> None:
    printed = cluster.kubectl("apply", "--server-side", "--dry-run=server", "-f", str(file))
    documents = documents_of(file)
    assert documents
    assert printed.count("serverside-applied (server dry run)") == len(documents), printed
    assert "Warning" not in printed


def test_applying_again_changes_nothing(cluster: ClusterClient, applied: Any) -> None:
    data, first = applied
    again = apply(cluster, data)
    assert again.metadata.generation == first.metadata.generation == 1
    assert again.metadata.resourceVersion == first.metadata.resourceVersion


def test_what_is_stored_is_applied_again_without_a_change(cluster: ClusterClient, applied: Any) -> None:
    data, first = applied
    stored = {**data, "spec": first.to_dict()["spec"]}
    assert apply(cluster, stored).metadata.generation == 1


def test_defaults_filled_in_by_the_api_server_mean_the_same_as_in_a_file(cluster: ClusterClient) -> None:
    data = deepcopy(STRATEGY)
    spec = data["spec"]
    for name in ("mode", "suspend", "currency", "deletionPolicy"):
        del spec[name]
    for block, name in (("freshness", "onStale"), ("execution", "style"), ("execution", "cooldown")):
        del spec[block][name]
    data["metadata"]["name"] = "defaults"
    stored = apply(cluster, data).to_dict()
    cluster.resources.delete(kind_of(cluster, data), "defaults", NAMESPACE)
    assert stored["spec"]["mode"] == "Shadow"
    assert stored["spec"]["execution"]["cooldown"] == "2s"
    assert parse_resource({**data, "spec": stored["spec"]}) == parse_resource(data)


def test_a_status_is_written_apart_from_the_spec(cluster: ClusterClient, applied: Any) -> None:
    data, _ = applied
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Acknowledged",
        "message": "every role runs generation 1",
        "lastTransitionTime": NOW,
        "observedGeneration": 1,
    }
    status = {**data, "spec": {}, "status": {"observedGeneration": 1, "conditions": [condition]}}
    resource = kind_of(cluster, data)
    path = resource.path(name="applied", namespace=NAMESPACE) + "/status"
    changed = cluster.resources.request(
        "patch", path, body=status, content_type="application/merge-patch+json"
    )
    assert changed.metadata.generation == 1
    assert changed.status.conditions[0].type == "Ready"
    assert changed.to_dict()["spec"] == apply(cluster, data).to_dict()["spec"]


def test_get_shows_what_is_asked_first(cluster: ClusterClient) -> None:
    for data in (STRATEGY, VENUE, HALT):
        apply(cluster, data)
    strategy = kind_of(cluster, STRATEGY)
    path = strategy.path(name="btc-band", namespace=NAMESPACE) + "/status"
    body = {"status": {"mode": "Paper", "state": "InsideBand"}}
    cluster.resources.request("patch", path, body=body, content_type="application/merge-patch+json")
    try:
        short = table(cluster.kubectl("get", "hs"))
        assert list(short) == ["NAME", "MODE", "POLICY", "READY", "STATE", "AGE"]
        wide = cluster.kubectl("get", "hs", "-o", "wide").splitlines()
        assert wide[0].split() == [*short, "VENUE", "GENERATION"]
        assert [text for text in wide[1].split() if text != "1s"][:4] == [
            "btc-band",
            "Paper",
            "Band",
            "InsideBand",
        ]
        assert "paper" in wide[1].split()
        venues = cluster.kubectl("get", "ven").splitlines()
        assert venues[0].split() == ["NAME", "TYPE", "ENVIRONMENT", "TRADING", "READY", "AGE"]
        assert venues[1].split()[:4] == ["paper", "Builtin", "Paper", "Enabled"]
        halts = cluster.kubectl("get", "halts")
        assert halts.splitlines()[0].split() == ["NAME", "TARGET", "REASON", "ACTIVE", "AGE"]
        assert '{"strategy":"btc-band"}' in halts
        assert "exchange incident" in halts
        together = cluster.kubectl("get", "hedgerow")
        assert all(f"{kind.name.lower()}.hedgerow.dev/" in together for kind in KINDS)
    finally:
        for data in (STRATEGY, VENUE, HALT):
            cluster.resources.delete(kind_of(cluster, data), data["metadata"]["name"], NAMESPACE)


def table(printed: str) -> dict[str, int]:
    """Columns of kubectl's table, by where they begin."""
    head = printed.splitlines()[0]
    return {name: head.index(name) for name in head.split()}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("hedgestrategy", "Hedgerow keeps the exposure inside it"),
        ("hs.spec.policy.band.lower", 'A decimal string, quoted, e.g. "-25000"'),
        ("hs.spec.mode", "Shadow: decides and fills virtually, sends nothing."),
        ("hs.spec.execution.maxSlippageBps", "in basis points: 0 to 1000"),
        ("hs.status.generation", "the last good one goes on"),
        ("ven.spec.credentials.trade", "Mounted into this Venue's executor, nowhere else."),
        ("halt.spec.target.all", "everything, in every namespace of this installation"),
    ],
)
def test_explain_teaches(cluster: ClusterClient, field: str, words: str) -> None:
    printed = " ".join(cluster.kubectl("explain", field).split())
    assert words in printed


def test_explain_leaves_no_field_without_words(cluster: ClusterClient) -> None:
    for kind in ("hedgestrategy", "venue", "halt"):
        assert "<no description>" not in cluster.kubectl("explain", f"{kind}.spec", "--recursive=false")
