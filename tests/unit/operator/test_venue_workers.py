"""The Deployments that run for a Venue: one of each, owned, restricted, with its own key and nobody else's."""

from typing import Any

import msgspec
import pytest

from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.venue import Venue
from hedgerow_operator.settings import ExecutorSettings, read_operator_settings
from hedgerow_operator.venue_workers import COLLECTOR, EXECUTOR, VenueWorker, build_deployment

SETTINGS = ExecutorSettings(
    image="hedgerow:1",
    config_map="hedgerow-settings",
    secrets=("hedgerow-servers", "kafka-login"),
    pull_secrets=("registry",),
)


def venue(name: str = "paper", account: str = "hedge-01") -> Venue:
    found = parse_resource(
        {
            "apiVersion": "hedgerow.dev/v1alpha1",
            "kind": "Venue",
            "metadata": {"name": name, "namespace": "desk"},
            "spec": {
                "type": "Builtin",
                "environment": "Paper",
                "account": {"id": account},
                "credentials": {"trade": {"secretRef": {"name": "paper-trade"}}},
                "limits": {"maxGrossNotional": "5", "ordersPerSecond": 1},
            },
        }
    )
    assert isinstance(found, Venue), found
    return found


def built(
    settings: ExecutorSettings = SETTINGS, version: str = "7", worker: VenueWorker = EXECUTOR
) -> dict[str, Any]:
    return build_deployment(worker, venue(), "uid-1", f"paper-{worker.use}", version, settings)


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def test_there_is_never_a_second_one() -> None:
    spec = built()["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert spec["selector"]["matchLabels"] == EXECUTOR.labels("paper")
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


def test_new_keys_and_new_settings_start_a_new_pod() -> None:
    def template(version: str, settings: ExecutorSettings) -> Any:
        return built(settings, version)["spec"]["template"]

    changed = msgspec.structs.replace(SETTINGS, settings_version="2")
    assert template("7", SETTINGS) == template("7", SETTINGS)
    assert template("8", SETTINGS) != template("7", SETTINGS)
    assert template("7", changed) != template("7", SETTINGS)


def test_it_belongs_to_its_venue() -> None:
    metadata = built()["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("paper-executor", "desk")
    owner = metadata["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == (
        "Venue",
        "paper",
        "uid-1",
        True,
    )


def test_it_meets_the_restricted_pod_security_standard() -> None:
    spec = pod(built())
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    container = spec["containers"][0]["securityContext"]
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize(
    ("worker", "role", "key", "folder"),
    [
        (EXECUTOR, "executor", "paper-trade", "hedge-01"),
        (COLLECTOR, "accounts", "paper-read", "hedge-01@read"),
    ],
)
def test_each_gets_its_own_key_alone_where_it_reads_it(
    worker: VenueWorker, role: str, key: str, folder: str
) -> None:
    deployment = built(worker=worker)
    spec = pod(deployment)
    secrets = [volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume]
    assert secrets == [key]
    container = spec["containers"][0]
    assert container["args"] == ["worker", "--roles", role]
    assert deployment["metadata"]["name"] == f"paper-{role}"
    environment = {item["name"]: item["value"] for item in container["env"]}
    keys = next(mount for mount in container["volumeMounts"] if mount["name"] == "keys")
    assert keys["mountPath"] == f"{environment['HEDGEROW_KEYS_DIR']}/{folder}"
    assert keys["readOnly"] is True
    assert environment["HEDGEROW_EXECUTOR_VENUE"] == "desk/paper"


def test_certificate_authorities_are_where_the_environment_says() -> None:
    folder = "/etc/hedgerow/kafka-ca"
    spec = pod(built(msgspec.structs.replace(SETTINGS, authorities={folder: "kafka-ca"})))
    mount = next(item for item in spec["containers"][0]["volumeMounts"] if item["mountPath"] == folder)
    volume = next(item for item in spec["volumes"] if item["name"] == mount["name"])
    assert volume["secret"] == {"secretName": "kafka-ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    assert mount["readOnly"] is True


def test_the_environment_comes_from_what_the_settings_name() -> None:
    assert pod(built())["containers"][0]["envFrom"] == [
        {"configMapRef": {"name": "hedgerow-settings"}},
        {"secretRef": {"name": "hedgerow-servers"}},
        {"secretRef": {"name": "kafka-login"}},
    ]
    assert pod(built())["imagePullSecrets"] == [{"name": "registry"}]
    bare = pod(built(ExecutorSettings(image="hedgerow:1")))
    assert bare["containers"][0]["envFrom"] == []
    assert "imagePullSecrets" not in bare


REQUIRED = {
    "HEDGEROW_KAFKA": "k:9092",
    "HEDGEROW_LEDGER_DSN": "postgres://l",
    "HEDGEROW_EXECUTOR_IMAGE": "hedgerow:1",
}


def test_settings_have_defaults_and_are_read() -> None:
    settings = read_operator_settings(
        REQUIRED
        | {
            "HEDGEROW_WATCH_NAMESPACES": "desk, lending",
            "HEDGEROW_RESYNC": "500ms",
            "HEDGEROW_EXECUTOR_RESOURCES": '{"requests": {"cpu": "50m"}}',
        }
    )
    assert settings.namespaces == ("desk", "lending")
    assert (settings.resync_s, settings.flatten_deadline_s) == (0.5, 300.0)
    assert settings.executor.resources == {"requests": {"cpu": "50m"}}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HEDGEROW_KAFKA", "", "HEDGEROW_KAFKA is not set"),
        ("HEDGEROW_PARTITIONS", "four", "should be a whole number"),
        ("HEDGEROW_PARTITIONS", "0", "should be at least 1"),
        ("HEDGEROW_RESYNC", "0s", "should be a duration above zero"),
        ("HEDGEROW_RESYNC", "soon", "should be a duration above zero"),
        ("HEDGEROW_EXECUTOR_RESOURCES", "[]", "should be a JSON object"),
        ("HEDGEROW_EXECUTOR_PULL_POLICY", "Sometimes", "should be one of Always, IfNotPresent, Never"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.*{words}|{words}"):
        read_operator_settings(REQUIRED | {name: value})


def test_a_real_venues_worker_does_not_learn_where_the_built_in_exchange_is() -> None:
    spec = {"type": "Ccxt", "environment": "Testnet"}
    real = venue().model_copy(update={"spec": venue().spec.model_copy(update=spec)})
    for worker in (EXECUTOR, COLLECTOR):
        (container,) = pod(build_deployment(worker, real, "uid-1", "key", "7", SETTINGS))["containers"]
        # What is said here goes before what the shared ConfigMap says.
        assert {"name": "HEDGEROW_EXCHANGE_URL", "value": ""} in container["env"]
    (container,) = pod(built())["containers"]
    assert "HEDGEROW_EXCHANGE_URL" not in {item["name"] for item in container["env"]}
