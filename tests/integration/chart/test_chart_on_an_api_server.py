"""What a real API server says of the chart: it takes every object, and refuses `Live` where the dev profile is."""

import json
import subprocess
import time
from pathlib import Path

import pytest
from kube_server import ROOT, program
from rendered import PROFILES, Object, helm_template, render
from ruamel.yaml import YAML

PATIENCE_S = 60.0


class Server:
    """kubectl with every right, in one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._command = [str(program("kubectl")), f"--kubeconfig={kubeconfig}", f"--namespace={namespace}"]

    def ask(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [*self._command, *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    def must(self, *arguments: str, given: str | None = None) -> str:
        answer = self.ask(*arguments, given=given)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


def in_namespace(kubeconfig: Path, namespace: str) -> Server:
    server = Server(kubeconfig, namespace)
    server.must("create", "namespace", namespace)
    server.must("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    # Where no controller runs, nobody makes the account that every namespace has.
    server.must("create", "serviceaccount", "default")
    return server


@pytest.mark.parametrize("profile", list(PROFILES))
def test_the_api_server_takes_every_object(helm: str, kube_apiserver: Path, profile: str) -> None:
    namespace = f"chart-{profile}"
    server = in_namespace(kube_apiserver, namespace)
    rendered = helm_template(helm, *PROFILES[profile], namespace=namespace).stdout
    answer = server.ask("apply", "--dry-run=server", "--filename=-", given=rendered)
    assert answer.returncode == 0, answer.stderr
    # Pods that are not restricted, and fields that it does not know, are only warned of.
    assert "would violate PodSecurity" not in answer.stderr
    assert "unknown field" not in answer.stderr
    taken = [line for line in answer.stdout.splitlines() if line.endswith("(server dry run)")]
    assert len(taken) == len(render(helm, *PROFILES[profile], namespace=namespace))


def test_the_dev_profile_refuses_live_with_the_reason(helm: str, kube_apiserver: Path) -> None:
    server = in_namespace(kube_apiserver, "chart-live")
    policies = [
        item
        for item in render(helm, namespace="chart-live")
        if item["kind"].startswith("ValidatingAdmissionPolicy")
    ]
    strategy = YAML(typ="safe").load((ROOT / "k8s/examples/btc-band.yaml").read_text())
    strategy["spec"]["mode"] = "Live"
    # Without the policy the API server takes it.
    server.must("apply", "--dry-run=server", "--filename=-", given=json.dumps(strategy))
    try:
        server.must(
            "apply", "--filename=-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": policies})
        )
        said = _refusal(server, strategy)
        assert "Live is refused by the dev profile of release hedgerow" in said
        strategy["spec"]["mode"] = "Paper"
        server.must("apply", "--dry-run=server", "--filename=-", given=json.dumps(strategy))
    finally:
        for item in policies:
            server.must("delete", item["kind"], item["metadata"]["name"])


def _refusal(server: Server, strategy: Object) -> str:
    """Why it is refused; a policy takes effect some moments after it was made."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = server.ask("apply", "--dry-run=server", "--filename=-", given=json.dumps(strategy))
        if answer.returncode != 0 and "ValidatingAdmissionPolicy" in answer.stderr:
            return answer.stderr
        assert time.monotonic() < deadline, answer.stdout + answer.stderr
        time.sleep(0.5)
