"""The chart as Helm renders it, and the questions that a reviewer asks of each object."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "charts" / "hedgerow"
KUBERNETES = "1.34"
# What only the person who installs the prod profile can know.
PROD_VALUES = (
    "-f",
    str(CHART / "values-prod.yaml"),
    "--set=kafka.bootstrapServers=kafka.example:9093",
    "--set=postgres.ledgerSecret=ledger,postgres.historySecret=history,postgres.caSecret=postgres-ca",
    "--set=redis.nodes=redis.example:6379",
    "--set=exchange.url=http://exchange.example:8081",
    "--set=gateway.keysSecret=gateway-keys",
)
PROFILES: dict[str, tuple[str, ...]] = {"dev": (), "prod": PROD_VALUES}
# Named by the values above, so not of the release.
GIVEN = {"ledger", "history", "postgres-ca", "gateway-keys"}
MONITORING = (
    "--api-versions=monitoring.coreos.com/v1/ServiceMonitor,monitoring.coreos.com/v1/PrometheusRule",
)

Object = dict[str, Any]


def helm_template(
    helm: str, *arguments: str, release: str = "hedgerow", namespace: str = "trading"
) -> subprocess.CompletedProcess[str]:
    command = [helm, "template", release, str(CHART), "--namespace", namespace, "--kube-version", KUBERNETES]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def render(helm: str, *arguments: str, release: str = "hedgerow", namespace: str = "trading") -> list[Object]:
    answer = helm_template(helm, *arguments, release=release, namespace=namespace)
    assert answer.returncode == 0, answer.stderr
    return [item for item in YAML(typ="safe").load_all(answer.stdout) if item]


def name_of(item: Object) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"


def pod_of(item: Object) -> Object | None:
    """The pod's spec that an object makes, if it makes one."""
    if item["kind"] == "Pod":
        return item["spec"]
    if item["kind"] in ("Deployment", "StatefulSet", "Job"):
        return item["spec"]["template"]["spec"]
    return None


def pods(objects: Iterable[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Name, object and pod's spec of each that makes pods."""
    for item in objects:
        pod = pod_of(item)
        if pod is not None:
            yield name_of(item), item, pod


def containers(objects: Iterable[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Name, object that makes it, and container."""
    for name, item, pod in pods(objects):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield f"{name}/{container['name']}", item, container


def runs_on(item: Object) -> bool:
    """Whether its pods stay, so that probes mean something."""
    return item["kind"] in ("Deployment", "StatefulSet")


def bytes_of(quantity: str) -> int:
    units = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    return int(quantity[:-2]) * units[quantity[-2:]]


def references(pod: Object) -> Iterator[tuple[str, str]]:
    """Every ConfigMap and Secret that a pod needs, as (kind, name)."""
    for volume in pod.get("volumes", []):
        sources = volume["projected"]["sources"] if "projected" in volume else [volume]
        for source in sources:
            if "configMap" in source:
                yield "ConfigMap", source["configMap"]["name"]
            if "secret" in source:
                yield "Secret", source["secret"].get("secretName") or source["secret"]["name"]
    for container in pod["containers"]:
        for source in container.get("envFrom", []):
            for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if key in source:
                    yield kind, source[key]["name"]
