"""A cluster seen through kubectl and helm, as the person who installs the chart sees it."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Object = dict[str, Any]
PATIENCE_S = 300.0
_FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


class CommandFailed(AssertionError):
    """A command ended with an error; the message has what it said."""


def wait_for(
    what: str, ask: Callable[[], T | None], patience_s: float = PATIENCE_S, pause_s: float = 0.5
) -> T:
    """The first answer that is neither None, False nor empty.

    Raises:
        AssertionError: there was none in time.
    """
    deadline = time.monotonic() + patience_s
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {patience_s:.0f} s for {what}"
        time.sleep(pause_s)


class Cluster:
    """One namespace of one cluster. `tools` is where kubectl and helm are, in front of PATH."""

    def __init__(self, kubeconfig: Path, namespace: str, tools: Path | None) -> None:
        self.namespace = namespace
        path = os.environ["PATH"] if tools is None else f"{tools}:{os.environ['PATH']}"
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "PATH": path}

    def run(self, *command: str, given: str | None = None, timeout_s: float = 900.0) -> str:
        """What a command printed.

        Raises:
            CommandFailed: it ended with an error.
        """
        answer = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=timeout_s,
            check=False,
        )
        if answer.returncode != 0:
            raise CommandFailed(f"{' '.join(command)}\n{answer.stdout}{answer.stderr}")
        return answer.stdout

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        return self.run("kubectl", "--namespace", self.namespace, *arguments, given=given)

    def helm(self, *arguments: str) -> str:
        return self.run("helm", "--namespace", self.namespace, *arguments)

    def get(self, *arguments: str) -> Object:
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def items(self, *arguments: str) -> list[Object]:
        return self.get(*arguments)["items"]

    def secret(self, name: str, entry: str) -> str:
        return self.kubectl(
            "get",
            "secret",
            name,
            f"--output=go-template={{{{index .data {entry!r} | base64decode}}}}".replace("'", '"'),
        )

    def pods(self) -> list[Object]:
        """Those that stay, and are not on their way out."""
        return [
            pod
            for pod in self.items("pods")
            if "deletionTimestamp" not in pod["metadata"]
            and pod["metadata"].get("ownerReferences", [{}])[0].get("kind") in ("ReplicaSet", "StatefulSet")
        ]

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """A port of this machine that leads to one of a pod, for as long as the context lasts."""
        process = subprocess.Popen(
            ["kubectl", "--namespace", self.namespace, "port-forward", target, f":{port}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = _FORWARDED.search(line)
            assert found is not None, f"kubectl port-forward {target}: {line}"
            yield int(found[1])
        finally:
            process.terminate()
            process.wait()

    @contextmanager
    def watching(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """`kubectl get --watch`, its output to be read line by line."""
        with self.running("get", *arguments, "--watch") as process:
            yield process

    @contextmanager
    def running(self, *arguments: str, given: str = "") -> Iterator[subprocess.Popen[str]]:
        """A kubectl that goes on for as long as the context lasts, its output to be read line by line."""
        process = subprocess.Popen(
            ["kubectl", "--namespace", self.namespace, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        try:
            assert process.stdin is not None
            process.stdin.write(given)
            process.stdin.close()
            yield process
        finally:
            process.terminate()
            process.wait()


def is_ready(item: Object) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def restarts(pod: Object) -> int:
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
