"""Many strategies at once: their manifests, who stands for their executors, when they are ready, where they drift.

A node has no room for hundreds of executors, so their pods are refused at the API server, and one process in a pod of
the release acknowledges in their place. Everything else that a strategy waits for is the release's own.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster import Cluster, Object, wait_for
from prometheus_client.parser import text_string_to_metric_families
from release_ledger import ReleaseLedger

from hedgerow.domain.instruments import LISTINGS

PREFIX = "many-"
LABEL = "hedgerow.dev/e2e=many"
INSIDE = Path(__file__).parent / "inside"
LEGS = [item for item in LISTINGS.values() if item.can_hedge]
API = "hedgerow.dev/v1alpha1"
PATIENCE_S = 300.0


def venues(count: int) -> list[Object]:
    """Enough Venues for this many strategies: one account's instrument hedges one strategy."""
    spec = {
        "type": "Builtin",
        "environment": "Paper",
        "credentials": {"trade": {"secretRef": {"name": f"{PREFIX}trade"}}},
        "limits": {"maxGrossNotional": "5000000", "ordersPerSecond": 10},
    }
    return [
        _object("Venue", f"{PREFIX}{number}", spec | {"account": {"id": f"{PREFIX}{number}"}})
        for number in range(-(-count // len(LEGS)))
    ]


def strategy(number: int, upper: int) -> Object:
    """In Shadow, with a band that nothing leaves."""
    leg = LEGS[number % len(LEGS)]
    band = {"underlying": leg.underlying, "lower": "-1000000000", "upper": str(upper), "unit": "Notional"}
    spec = {
        "mode": "Shadow",
        "exposure": [{"name": "clients", "book": {"name": f"{PREFIX}{number}"}}],
        "hedgeWith": [
            {
                "venueRef": {"name": f"{PREFIX}{number // len(LEGS)}"},
                "instrument": leg.symbol,
                "priority": 1,
            }
        ],
        "policy": {"type": "Band", "band": [band]},
        "freshness": {"quote": "3s", "book": "5s"},
        "execution": {"clipNotional": "25000", "maxSlippageBps": 10},
        "limits": {
            "maxOrderNotional": "50000",
            "maxPositionNotional": "1000000",
            "maxOrdersPerMinute": 120,
            "priceCollarBps": 100,
        },
    }
    return _object("HedgeStrategy", f"{PREFIX}{number}", spec)


def _object(kind: str, name: str, spec: Object) -> Object:
    labels = dict([LABEL.split("=")])
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}


def apply(cluster: Cluster, objects: list[Object]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    cluster.kubectl("apply", "--server-side", "--filename", "-", given=text)


@contextmanager
def without_executors(cluster: Cluster, release: str) -> Iterator[None]:
    """Pods of these Venues' executors are refused, and acknowledged for."""
    cluster.kubectl(
        "apply", "--server-side", "--filename", "-", given=json.dumps(_refusal(cluster.namespace))
    )
    keys = ("--from-literal=apiKey=none", "--from-literal=secret=none")
    cluster.kubectl("create", "secret", "generic", f"{PREFIX}trade", *keys)
    program = (INSIDE / "answering.py").read_text()
    command = ("exec", "--stdin", f"deployment/{release}-gateway", "--", "python", "-", PREFIX)
    try:
        with cluster.running(*command, given=program) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "0"
            # Read on, or it would wait for its reader.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield
    finally:
        kinds = "validatingadmissionpolicy,validatingadmissionpolicybinding"
        cluster.kubectl("delete", kinds, "--selector", LABEL, "--timeout=60s")
        cluster.kubectl("delete", "secret", f"{PREFIX}trade")


def _refusal(namespace: str) -> Object:
    name, labels = "hedgerow-e2e-many", dict([LABEL.split("=")])
    venue = "object.metadata.?labels[?'hedgerow.dev/venue'].orValue('')"
    where = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    group = "admissionregistration.k8s.io/v1"
    policy = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "matchConstraints": {"namespaceSelector": where, "resourceRules": [pods]},
            "validations": [
                {"expression": f"!{venue}.startsWith('{PREFIX}')", "message": "no room for this executor"}
            ],
        },
    }
    binding = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name, "labels": labels},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [policy, binding]}


class ManyWatch:
    """When how many of the strategies had a condition, seen through one watch."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._true: dict[str, dict[str, None]] = {"Accepted": {}, "Published": {}, "Ready": {}}
        self._changed = threading.Condition()

    @contextmanager
    def open(self) -> Iterator["ManyWatch"]:
        conditions = "{{range .status.conditions}} {{.type}}={{.status}}{{end}}"
        output = f'--output=go-template={{{{.metadata.name}}}}{conditions}{{{{"\\n"}}}}'
        with self._cluster.watching("hedgestrategies", "--selector", LABEL, output) as process:
            assert process.stdout is not None
            threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()
            yield self

    def wait(self, condition: str, count: int, patience_s: float = PATIENCE_S) -> None:
        """Until that many have it."""
        with self._changed:
            there = self._true[condition]
            reached = self._changed.wait_for(lambda: len(there) >= count, patience_s)
            assert reached, f"{len(there)} of {count} strategies are {condition} after {patience_s:.0f} s"

    def _read(self, lines: Any) -> None:
        for line in lines:
            name, *found = line.split()
            with self._changed:
                for kind, names in self._true.items():
                    if f"{kind}=True" in found:
                        names[name] = None
                    else:
                        names.pop(name, None)
                self._changed.notify_all()


class Cost:
    """What the operator used: processor seconds, memory, requests to the API server."""

    def __init__(self, cluster: Cluster, release: str) -> None:
        self.cpu_s = self.memory_mib = 0.0
        self.requests: dict[str, float] = {}
        with cluster.forwarded(f"deployment/{release}-operator", 8080) as port:
            text = cluster.run("curl", "--silent", "--fail", f"http://127.0.0.1:{port}/metrics")
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "process_cpu_seconds_total":
                    self.cpu_s = sample.value
                elif sample.name == "process_resident_memory_bytes":
                    self.memory_mib = sample.value / 2**20
                elif sample.name == "hedgerow_operator_api_requests_total":
                    self.requests[f"{sample.labels['verb']} {sample.labels['resource']}"] = sample.value

    def since(self, before: "Cost", count: int) -> str:
        """In words, of so many strategies."""
        made = {name: (value - before.requests.get(name, 0)) / count for name, value in self.requests.items()}
        words = ", ".join(f"{name} {value:.2f}" for name, value in made.items() if value >= 0.005)
        return (
            f"{self.cpu_s - before.cpu_s:.1f} s of processor, {self.memory_mib:.0f} MiB, "
            f"{sum(made.values()):.1f} requests each ({words})"
        )


def drift(cluster: Cluster, ledger: ReleaseLedger, release: str) -> list[str]:
    """Where declared, stored, published, run and reported differ."""
    declared = {
        f"{cluster.namespace}/{item['metadata']['name']}": item
        for item in cluster.items("hedgestrategies", "--selector", LABEL)
    }
    rows = ledger.rows(
        "select key, uid::text as uid, generation, revision, config from strategies where deleted_ns is null"
    )
    stored = {row["key"]: row for row in rows if _is_ours(row["key"])}
    topic = json.loads(
        cluster.kubectl(
            "exec",
            "--stdin",
            f"deployment/{release}-gateway",
            "--",
            "python",
            "-",
            given=(INSIDE / "topic.py").read_text(),
        )
    )
    published = {key: value for key, value in topic.items() if _is_ours(key)}
    found = [f"{key}: only {where}" for key, where in _unmatched(declared, stored, published)]
    for key in declared.keys() & stored.keys() & published.keys():
        found += _differences(key, declared[key], stored[key], published[key])
    run = {item["metadata"]["labels"]["hedgerow.dev/venue"] for item in executors(cluster)}
    accounts = {item["metadata"]["name"] for item in cluster.items("venues", "--selector", LABEL)}
    return found + [f"executor of {name}" for name in sorted(run ^ accounts)]


def executors(cluster: Cluster) -> list[Object]:
    every = cluster.items("deployments", "--selector", "hedgerow.dev/venue")
    return [item for item in every if item["metadata"]["name"].startswith(PREFIX)]


def _is_ours(key: str) -> bool:
    return key.partition("/")[2].startswith(PREFIX)


def _unmatched(declared: Object, stored: Object, published: Object) -> Iterator[tuple[str, str]]:
    sides = {"declared": declared, "stored": stored, "published": published}
    for key in sorted(declared.keys() | stored.keys() | published.keys()):
        having = [name for name, side in sides.items() if key in side]
        if len(having) < len(sides):
            yield key, " and ".join(having)


def _differences(key: str, resource: Object, row: Any, topic: list[Any]) -> Iterator[str]:
    uid, status = resource["metadata"]["uid"], resource.get("status", {})
    if [row["uid"], row["generation"], row["revision"]] != topic:
        yield f"{key}: stored {row['generation']}, published {topic[1]}"
    if row["uid"] != uid:
        yield f"{key}: stored for another resource"
    upper = resource["spec"]["policy"]["band"][0]["upper"]
    if json.loads(row["config"])["bands"][0]["upper"] != upper:
        yield f"{key}: declared {upper}, stored {json.loads(row['config'])['bands'][0]['upper']}"
    seen = (status.get("observedGeneration"), status.get("generation"))
    if seen != (resource["metadata"]["generation"], row["generation"]):
        yield f"{key}: the status is of {seen}"


def churn(cluster: Cluster, numbers: list[int], round_number: int) -> None:
    """Edit all, and take one away that comes back in the next round."""
    gone = numbers[round_number % len(numbers)]
    edited = [strategy(number, 1_000_000 + round_number) for number in numbers if number != gone]
    apply(cluster, edited)
    cluster.kubectl("delete", "hedgestrategy", f"{PREFIX}{gone}", "--wait=false", "--ignore-not-found")


def kill_operator(cluster: Cluster, release: str) -> None:
    """No goodbye; and return when another pod of it runs."""
    pods = (
        "pods",
        "--selector",
        f"app.kubernetes.io/instance={release},app.kubernetes.io/component=operator",
    )
    for pod in cluster.items(*pods):
        cluster.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
    wait_for(
        "the operator's next pod",
        lambda: any(
            status.get("started")
            for pod in cluster.items(*pods)
            if "deletionTimestamp" not in pod["metadata"]
            for status in pod["status"].get("containerStatuses", [])
        ),
        pause_s=0.2,
    )
