"""An operator process on a real API server, Kafka and ledger, and what a person at kubectl does and sees."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine
from copy import deepcopy
from pathlib import Path
from typing import Any

import asyncpg
from confluent_kafka import Producer
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from hedgerow.ledger.connection import connect
from hedgerow.ledger.halts import standing_halts
from hedgerow.ledger.strategies import find_strategy
from hedgerow.schemas.acknowledging import required_roles
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Acknowledgement, StrategyPublished
from hedgerow.schemas.topics import STRATEGY_STATUS

GROUP, VERSION = "hedgerow.dev", "v1alpha1"
PLURALS = {"HedgeStrategy": "hedgestrategies", "Venue": "venues", "Halt": "halts"}
PATIENCE_S = 90.0
SPEC: dict[str, Any] = {
    "mode": "Paper",
    "exposure": [{"name": "clients", "book": {"name": "clients"}}],
    "hedgeWith": [{"venueRef": {"name": "paper"}, "instrument": "BTC/USDT:USDT", "priority": 1}],
    "policy": {"type": "Band", "band": [{"underlying": "BTC", "lower": "-25000", "upper": "25000"}]},
    "freshness": {"quote": "30s", "book": "30s"},
    "execution": {"clipNotional": "25000", "maxSlippageBps": 20, "cooldown": "100ms"},
    "limits": {
        "maxOrderNotional": "50000",
        "maxPositionNotional": "5000000",
        "maxOrdersPerMinute": 600,
        "priceCollarBps": 100,
    },
}


def eventually(what: str, look: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What `look` gives once it gives something."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {patience_s:g} s")


class Kube:
    """What a person does with kubectl, in one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.namespace = namespace
        api = config.new_client_from_config(str(kubeconfig))
        self.core, self.apps = client.CoreV1Api(api), client.AppsV1Api(api)
        self._objects = client.CustomObjectsApi(api)

    def create_namespace(self) -> None:
        self.core.create_namespace({"metadata": {"name": self.namespace}})

    def apply(self, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        """Create, or replace the spec."""
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": name}, "spec": spec}
        at = (GROUP, VERSION, self.namespace, PLURALS[kind])
        if self.get(kind, name) is None:
            created: dict[str, Any] = self._objects.create_namespaced_custom_object(*at, body)
            return created
        while True:
            there = self.get(kind, name)
            assert there is not None
            try:
                replaced: dict[str, Any] = self._objects.replace_namespaced_custom_object(
                    *at, name, {**there, "spec": spec}
                )
            except ApiException as error:
                if error.status != 409:
                    raise
            else:
                return replaced

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._objects.get_namespaced_custom_object(
                GROUP, VERSION, self.namespace, PLURALS[kind], name
            )
        except ApiException as error:
            if error.status != 404:
                raise
            return None
        return found

    def all_of(self, kind: str) -> list[dict[str, Any]]:
        found = self._objects.list_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURALS[kind])
        items: list[dict[str, Any]] = found["items"]
        return items

    def delete(self, kind: str, name: str) -> None:
        self._objects.delete_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURALS[kind], name)

    def release_finalizers(self, kind: str, name: str) -> None:
        self._objects.patch_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURALS[kind], name, {"metadata": {"finalizers": []}}
        )

    def edit_status(self, kind: str, name: str, status: dict[str, Any]) -> None:
        self._objects.patch_namespaced_custom_object_status(
            GROUP, VERSION, self.namespace, PLURALS[kind], name, {"status": status}
        )

    def condition(self, kind: str, name: str, condition: str) -> dict[str, Any]:
        """The condition, when it is about the newest generation; empty until then."""
        found = self.get(kind, name)
        if found is None:
            return {}
        for item in found.get("status", {}).get("conditions", []):
            if item["type"] == condition and item["observedGeneration"] == found["metadata"]["generation"]:
                return dict(item)
        return {}

    def wait(
        self, kind: str, name: str, condition: str, status: str, reason: str | None = None
    ) -> dict[str, Any]:
        """As `kubectl wait --for=condition=…` does, of the newest generation."""

        def look() -> dict[str, Any] | None:
            item = self.condition(kind, name, condition)
            right = item.get("status") == status and reason in (None, item.get("reason"))
            return item if right else None

        try:
            found: dict[str, Any] = eventually(f"{kind} {name}: {condition}={status} {reason or ''}", look)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {json.dumps(self.get(kind, name))}") from None
        return found

    def wait_gone(self, kind: str, name: str) -> None:
        eventually(f"{kind} {name} is gone", lambda: self.get(kind, name) is None)

    def secret(self, name: str, **data: str) -> None:
        body = {"metadata": {"name": name}, "stringData": data}
        try:
            self.core.create_namespaced_secret(self.namespace, body)
        except ApiException as error:
            if error.status != 409:
                raise
            self.core.replace_namespaced_secret(name, self.namespace, body)

    def events(self, name: str) -> list[str]:
        """Reasons of the Events about an object."""
        return [
            event.reason
            for event in self.core.list_namespaced_event(self.namespace).items
            if event.involved_object.name == name
        ]


class Operator:
    """The operator's process."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log = log
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._begin = self.log.stat().st_size
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hedgerow_operator.main"],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_ready(self) -> None:
        eventually("the operator is ready", lambda: self.get("/ready")[0] == 200)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; 0 while it does not listen."""
        assert self._process is not None
        assert self._process.poll() is None, self.tail()
        lines = self.log.read_bytes()[self._begin :].decode().splitlines()
        ports = [json.loads(line)["port"] for line in lines if '"listening"' in line]
        if not ports:
            return 0, ""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[-1]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()
        except OSError:
            return 0, ""

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        return int(self._process.returncode)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


class Desk:
    """One namespace that an operator serves, with the ledger and the topics behind it."""

    def __init__(self, kube: Kube, kafka: str, dsn: str, operator: Operator) -> None:
        self.kube, self.kafka, self.dsn, self.operator = kube, kafka, dsn, operator

    def key(self, name: str) -> str:
        return f"{self.kube.namespace}/{name}"

    def venue(self, name: str = "paper", secret: bool = True) -> None:
        """A Venue on an account of its own, and its Secret."""
        if secret:
            self.kube.secret(f"{name}-trade", apiKey="key", secret="secret")
        self.kube.apply("Venue", name, self.venue_spec(name))

    def venue_spec(self, name: str) -> dict[str, Any]:
        return {
            "type": "Builtin",
            "environment": "Paper",
            "trading": "Enabled",
            "account": {"id": f"{self.kube.namespace}-{name}"},
            "credentials": {"trade": {"secretRef": {"name": f"{name}-trade"}}},
            "limits": {"maxGrossNotional": "50000000", "ordersPerSecond": 50},
        }

    def strategy(self, name: str, upper: str = "25000", **spec: Any) -> dict[str, Any]:
        """Apply a strategy; `spec` replaces whole fields."""
        wanted = deepcopy(SPEC)
        wanted["policy"]["band"][0]["upper"] = upper
        return self.kube.apply("HedgeStrategy", name, wanted | spec)

    def live(self, name: str) -> StrategyPublished | None:
        """What the ledger has."""

        async def read(connection: asyncpg.Connection) -> StrategyPublished | None:
            return await find_strategy(connection, self.key(name))

        found: StrategyPublished | None = self.on_ledger(read)
        return found

    def on_ledger(self, work: Callable[[asyncpg.Connection], Coroutine[Any, Any, Any]]) -> Any:
        async def connected() -> Any:
            connection = await connect(self.dsn, "test")
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(connected())

    def halts(self) -> list[str]:
        """Sources of the halts that stand."""
        return [halt.source for halt in self.on_ledger(standing_halts)]

    def acknowledge(self, published: StrategyPublished, but: str = "") -> None:
        """Say for every role that it runs this."""
        producer = Producer({"bootstrap.servers": self.kafka, "partitioner": "murmur2_random"})
        for role in required_roles(published.config):
            if role == but:
                continue
            record = Acknowledgement(
                strategy=published.config.key,
                role=role,
                worker="w-1",
                uid=published.uid,
                generation=published.generation,
                revision=published.revision,
                time_ns=time.time_ns(),
            )
            producer.produce(STRATEGY_STATUS.name, encode(record), f"{record.strategy}/{role}".encode())
        assert producer.flush(10) == 0
