"""What the operator is told by its environment: where the servers are, what it serves, how executors are run."""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from hedgerow.strategy.fields import duration_ns
from hedgerow.streams.settings import SettingsError

SECOND_NS = 1_000_000_000
PULL_POLICIES = ("Always", "IfNotPresent", "Never")


class ExecutorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How an executor is run.

    Attributes:
        image: of every executor; its entry point is the `hedgerow` command.
        resources: the container's, as in a pod.
        config_map, secrets: names, in the Venue's namespace, of what the container takes its environment from: the
            addresses of Kafka and of the exchange, the DSN of the ledger, Kafka's login. Empty leaves it out.
        authorities: folders, and for each the Secret whose `ca.crt` is mounted there: certificate authorities that the
            environment names.
        settings_version: any text that changes with what the ConfigMap and the Secret say, so that then a new pod
            starts; a running one has read them once.
        service_account: its pod's; no token is mounted. Empty is the namespace's default.
    """

    image: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    resources: dict[str, Any] = {}
    config_map: str = ""
    secrets: tuple[str, ...] = ()
    authorities: dict[str, str] = {}
    settings_version: str = ""
    service_account: str = ""


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's surroundings.

    Attributes:
        kafka: bootstrap servers; ledger_dsn: Postgres of the ledger.
        partitions, replication: of the topics that the operator makes.
        namespaces: whose resources it serves; empty is every namespace of the cluster.
        resync_s: how often everything is listed and reconciled, whatever the watches said.
        flatten_deadline_s: how long a deleted strategy may take to flatten before it is let go with what it holds.
        http_host, http_port: where `/healthz`, `/ready` and `/metrics` answer; port 0 takes a free one.
    """

    kafka: str
    ledger_dsn: str
    executor: ExecutorSettings
    partitions: int = 4
    replication: int = 1
    namespaces: tuple[str, ...] = ()
    resync_s: float = 30.0
    flatten_deadline_s: float = 300.0
    http_host: str = "127.0.0.1"
    http_port: int = 0


def read_operator_settings(environment: Mapping[str, str] = os.environ) -> OperatorSettings:
    """Read the `HEDGEROW_…` variables.

    Raises:
        SettingsError: one is missing without a default, or cannot be used; the message names it.
    """
    return OperatorSettings(
        kafka=_required(environment, "HEDGEROW_KAFKA"),
        ledger_dsn=_required(environment, "HEDGEROW_LEDGER_DSN"),
        executor=_executor(environment),
        partitions=_positive(environment, "HEDGEROW_PARTITIONS", 4),
        replication=_positive(environment, "HEDGEROW_TOPIC_REPLICATION", 1),
        namespaces=read_namespaces(environment),
        resync_s=_seconds(environment, "HEDGEROW_RESYNC", "30s"),
        flatten_deadline_s=_seconds(environment, "HEDGEROW_FLATTEN_DEADLINE", "5m"),
        http_host=environment.get("HEDGEROW_HTTP_HOST", "127.0.0.1"),
        http_port=_whole(environment, "HEDGEROW_HTTP_PORT", 0),
    )


def read_namespaces(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Those of `HEDGEROW_WATCH_NAMESPACES`; empty is every namespace of the cluster."""
    return _names(environment, "HEDGEROW_WATCH_NAMESPACES")


def _executor(environment: Mapping[str, str]) -> ExecutorSettings:
    pull_policy = environment.get("HEDGEROW_EXECUTOR_PULL_POLICY", "IfNotPresent")
    if pull_policy not in PULL_POLICIES:
        raise SettingsError(
            f"HEDGEROW_EXECUTOR_PULL_POLICY={pull_policy!r} should be one of {', '.join(PULL_POLICIES)}"
        )
    return ExecutorSettings(
        image=_required(environment, "HEDGEROW_EXECUTOR_IMAGE"),
        pull_policy=pull_policy,
        pull_secrets=_names(environment, "HEDGEROW_EXECUTOR_PULL_SECRETS"),
        resources=_json_object(environment, "HEDGEROW_EXECUTOR_RESOURCES"),
        config_map=environment.get("HEDGEROW_EXECUTOR_CONFIG_MAP", ""),
        secrets=_names(environment, "HEDGEROW_EXECUTOR_SECRETS"),
        authorities=_json_object(environment, "HEDGEROW_EXECUTOR_AUTHORITIES"),
        settings_version=environment.get("HEDGEROW_EXECUTOR_SETTINGS_VERSION", ""),
        service_account=environment.get("HEDGEROW_EXECUTOR_SERVICE_ACCOUNT", ""),
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; `docs/guide/operator.md` explains it")
    return value


def _names(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal():
        raise SettingsError(f"{name}={text!r} should be a whole number")
    return int(text)


def _positive(environment: Mapping[str, str], name: str, default: int) -> int:
    value = _whole(environment, name, default)
    if value < 1:
        raise SettingsError(f"{name}={value} should be at least 1")
    return value


def _seconds(environment: Mapping[str, str], name: str, default: str) -> float:
    text = environment.get(name) or default
    try:
        seconds = duration_ns(text) / SECOND_NS
    except (KeyError, ValueError):
        seconds = 0.0
    if seconds <= 0:
        raise SettingsError(f"{name}={text!r} should be a duration above zero, e.g. 500ms, 30s or 5m")
    return seconds


def _json_object(environment: Mapping[str, str], name: str) -> dict[str, Any]:
    text = environment.get(name) or "{}"
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SettingsError(f"{name}={text!r} should be a JSON object: {error}") from None
