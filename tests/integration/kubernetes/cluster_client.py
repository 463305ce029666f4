"""What tests ask an API server, and what it answers in words."""

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
from kube_server import program
from kubernetes import client, config, dynamic
from kubernetes.client.exceptions import ApiException


class Refusal(msgspec.Struct, frozen=True):
    """One reason why an object was refused."""

    field: str
    words: str


class ClusterClient:
    """One API server, asked as an administrator would: strictly, so that an unknown field is refused."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.api = config.new_client_from_config(str(kubeconfig))
        self._dynamic: dynamic.DynamicClient | None = None

    @property
    def resources(self) -> dynamic.DynamicClient:
        if self._dynamic is None:
            self._dynamic = dynamic.DynamicClient(self.api)
        return self._dynamic

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """What kubectl prints, errors included."""
        command = [str(program("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, input=text, check=False)
        return result.stdout + result.stderr

    def install(self, crd: dict[str, Any]) -> None:
        """Install a CustomResourceDefinition, and wait until its resources can be used."""
        text = json.dumps(crd)
        self.kubectl("apply", "-f", "-", text=text)
        printed = self.kubectl("wait", "--for=condition=Established", "--timeout=120s", "-f", "-", text=text)
        assert "condition met" in printed, printed

    def refusals_of(self, data: dict[str, Any]) -> list[Refusal]:
        """Why the API server would refuse to create this; nothing is stored."""
        try:
            client.CustomObjectsApi(self.api).create_namespaced_custom_object(
                *self._place(data), data, dry_run="All", field_validation="Strict"
            )
        except ApiException as error:
            return _refusals(error)
        return []

    def refusals_of_change(self, before: dict[str, Any], after: dict[str, Any]) -> list[Refusal]:
        """Why the API server would refuse to make `after` of `before`."""
        objects, place = client.CustomObjectsApi(self.api), self._place(before)
        stored = objects.create_namespaced_custom_object(*place, before)
        name = before["metadata"]["name"]
        try:
            version = {"resourceVersion": stored["metadata"]["resourceVersion"]}
            changed = {**after, "metadata": {**after["metadata"], **version}}
            objects.replace_namespaced_custom_object(*place, name, changed, dry_run="All")
        except ApiException as error:
            return _refusals(error)
        finally:
            objects.delete_namespaced_custom_object(*place, name)
        return []

    def _place(self, data: dict[str, Any]) -> tuple[str, str, str, str]:
        group, version = data["apiVersion"].split("/")
        plural = {"HedgeStrategy": "hedgestrategies", "Venue": "venues", "Halt": "halts"}[data["kind"]]
        return group, version, data["metadata"].get("namespace", "default"), plural


def _refusals(error: ApiException) -> list[Refusal]:
    status = json.loads(error.body)
    causes = status.get("details", {}).get("causes") or [{"message": status["message"]}]
    return [Refusal(cause.get("field", ""), cause["message"]) for cause in causes]
