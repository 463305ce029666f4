"""What Helm makes of the chart: it is well-formed, restricted, and refers to nothing that is not there."""

import json
import re
import subprocess

import pytest
from rendered import (
    CHART,
    GIVEN,
    KUBERNETES,
    MONITORING,
    PROFILES,
    Object,
    bytes_of,
    containers,
    helm_template,
    name_of,
    pods,
    references,
    render,
    runs_on,
)

NOT_NAMESPACED = {
    "ClusterRole",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


@pytest.mark.parametrize("profile", list(PROFILES))
def test_helm_finds_nothing_to_complain_of(helm: str, profile: str) -> None:
    command = [helm, "lint", "--strict", "--kube-version", KUBERNETES, str(CHART), *PROFILES[profile]]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("kafka.bundeled.enabled=false", "bundeled"),
        ("workers.pipeline.replica=2", "replica"),
        ("colour=red", "colour"),
        ("exchange.resources.requests.memroy=1Gi", "memroy"),
    ],
)
def test_an_unknown_value_is_refused_by_its_name(helm: str, setting: str, key: str) -> None:
    answer = helm_template(helm, "--set", setting)
    assert answer.returncode != 0
    assert f"'{key}' not allowed" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set=profile=Prod",), "kafka.bundled.enabled: the prod profile runs no servers of its own"),
        (("--set=kafka.bundled.enabled=false",), "kafka.bootstrapServers: name your Kafka"),
        (("--set=postgres.bundled.enabled=false",), "postgres.historySecret: name the Secret"),
        (("--set=exchange.enabled=false",), "exchange.url: name the exchange"),
        (("--set=workers.ingestion.roles={ingestion,risk}",), "risk is already run by another worker"),
        (("--set=kafka.security=SASL_SSL",), "kafka.secret: name the Secret with the login"),
        (("--set=kafka.secret=kafka",), "kafka.security: PLAINTEXT has no login"),
        (("--set=redis.tls=true",), "the bundled Redis has neither"),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_what_to_do(
    helm: str, arguments: tuple[str, ...], told: str
) -> None:
    answer = helm_template(helm, *arguments)
    assert answer.returncode != 0
    assert told in answer.stderr


def test_each_object_is_there_once(objects: list[Object]) -> None:
    names = [name_of(item) for item in objects]
    assert len(names) == len(set(names))


def test_pods_are_restricted(objects: list[Object]) -> None:
    for name, _, pod in pods(objects):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] > 0, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), name
        assert not any("hostPath" in volume for volume in pod.get("volumes", [])), name


def test_containers_are_restricted(objects: list[Object]) -> None:
    for name, _, container in containers(objects):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_only_the_operator_and_what_lets_go_after_it_get_a_token(objects: list[Object]) -> None:
    with_token = {name for name, _, pod in pods(objects) if pod.get("automountServiceAccountToken", True)}
    assert with_token == {"Deployment/hedgerow-operator", "Job/hedgerow-uninstall"}


def test_every_container_has_resources_and_those_that_stay_have_probes(objects: list[Object]) -> None:
    for name, item, container in containers(objects):
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
        assert "memory" in container["resources"]["limits"], name
        if runs_on(item):
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys(), name


def test_every_image_is_pinned(objects: list[Object]) -> None:
    for name, _, container in containers(objects):
        assert re.search(r"(:[^/:@]*\d[^/:@]*|@sha256:[0-9a-f]{64})$", container["image"]), name


def test_nothing_is_granted_by_a_wildcard(objects: list[Object]) -> None:
    granting = [item for item in objects if item["kind"] in ("Role", "ClusterRole")]
    assert granting
    for item in granting:
        for rule in item["rules"]:
            for key in ("apiGroups", "resources", "verbs"):
                assert "*" not in rule[key], name_of(item)


def test_every_name_that_is_referred_to_exists(objects: list[Object]) -> None:
    there = {(item["kind"], item["metadata"]["name"]) for item in objects}
    for name, item, pod in pods(objects):
        for kind, referred in references(pod):
            assert (kind, referred) in there or referred in GIVEN, f"{name} needs {kind} {referred}"
        account = pod.get("serviceAccountName")
        assert account is None or ("ServiceAccount", account) in there, name
        if item["kind"] == "StatefulSet":
            assert ("Service", item["spec"]["serviceName"]) in there, name


def test_a_migration_that_runs_before_its_release_needs_nothing_of_it(prod_objects: list[Object]) -> None:
    (job,) = (pod for name, _, pod in pods(prod_objects) if name == "Job/hedgerow-migrate")
    assert {referred for _, referred in references(job)} <= GIVEN


def test_services_select_pods_that_are_there(objects: list[Object]) -> None:
    labels = [item["spec"]["template"]["metadata"]["labels"] for item in objects if runs_on(item)]
    for item in objects:
        if item["kind"] == "Service" and not item["metadata"]["name"].endswith("-executors"):
            wanted = item["spec"]["selector"].items()
            assert any(wanted <= given.items() for given in labels), name_of(item)


def test_every_worker_may_be_evicted_one_at_a_time(objects: list[Object]) -> None:
    budgets = {item["metadata"]["name"] for item in objects if item["kind"] == "PodDisruptionBudget"}
    workers = {
        item["metadata"]["name"]
        for _, item, pod in pods(objects)
        if item["kind"] == "Deployment" and pod["containers"][0]["name"] == "worker"
    }
    assert workers
    assert budgets == workers


def test_the_dev_profile_asks_for_at_most_four_gibibytes(dev_objects: list[Object]) -> None:
    total = sum(
        item["spec"]["replicas"] * bytes_of(container["resources"]["requests"]["memory"])
        for _, item, container in containers(dev_objects)
        if runs_on(item)
    )
    # The executor of one Venue, which the operator adds.
    (operator,) = (c for name, _, c in containers(dev_objects) if name.endswith("/operator"))
    settings = {entry["name"]: entry["value"] for entry in operator["env"]}
    executor = re.search(r'"requests":{[^}]*"memory":"(\w+)"', settings["HEDGEROW_EXECUTOR_RESOURCES"])
    assert executor is not None
    assert total + bytes_of(executor[1]) <= 4 * 2**30


def test_the_prod_profile_brings_no_server_and_makes_no_secret(prod_objects: list[Object]) -> None:
    assert [name_of(item) for item in prod_objects if item["kind"] in ("StatefulSet", "Secret")] == []
    assert {container["image"] for _, _, container in containers(prod_objects)} == {
        "ghcr.io/hedgerow/hedgerow:0.1.0",
        "ghcr.io/hedgerow/hedgerow-operator:0.1.0",
    }


def test_only_the_dev_profile_refuses_live(dev_objects: list[Object], prod_objects: list[Object]) -> None:
    kinds = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    assert {item["kind"] for item in dev_objects} >= kinds
    assert not {item["kind"] for item in prod_objects} & kinds


def test_two_releases_in_two_namespaces_do_not_collide(helm: str) -> None:
    def names(namespace: str) -> set[str]:
        found = render(helm, "--set=crds.enabled=false", namespace=namespace)
        return {name_of(item) for item in found if item["kind"] in NOT_NAMESPACED}

    assert names("desk-a")
    assert names("desk-a").isdisjoint(names("desk-b"))


def test_crds_come_with_the_release_unless_told_otherwise(helm: str) -> None:
    def definitions(*arguments: str) -> list[Object]:
        return [item for item in render(helm, *arguments) if item["kind"] == "CustomResourceDefinition"]

    assert {item["spec"]["names"]["plural"] for item in definitions()} == {
        "hedgestrategies",
        "venues",
        "halts",
    }
    keep = {"helm.sh/resource-policy": "keep"}
    assert all(keep.items() <= item["metadata"]["annotations"].items() for item in definitions())
    assert not any(
        "helm.sh/resource-policy" in item["metadata"].get("annotations", {})
        for item in definitions("--set=crds.keep=false")
    )
    assert definitions("--set=crds.enabled=false") == []


def test_monitors_and_rules_only_where_the_cluster_knows_them(helm: str) -> None:
    kinds = {"ServiceMonitor", "PrometheusRule"}
    assert not {item["kind"] for item in render(helm)} & kinds
    assert {item["kind"] for item in render(helm, *MONITORING)} >= {"ServiceMonitor"}


def test_only_executor_and_ingestion_may_reach_venues(objects: list[Object]) -> None:
    reaching = [
        item
        for item in objects
        if item["kind"] == "NetworkPolicy"
        and any(
            block.get("ipBlock", {}).get("cidr") == "0.0.0.0/0" and {"port": 443} in rule.get("ports", [])
            for rule in item["spec"].get("egress", [])
            for block in rule.get("to", [])
        )
    ]
    (venues,) = reaching
    (chosen,) = venues["spec"]["podSelector"]["matchExpressions"]
    assert chosen == {
        "key": "app.kubernetes.io/component",
        "operator": "In",
        "values": ["executor", "accounts", "ingestion"],
    }


GUARDED = (
    "--set=kafka.security=SASL_SSL,kafka.secret=kafka-login,kafka.caSecret=kafka-ca",
    "--set=redis.tls=true,redis.secret=redis-login,redis.caSecret=redis-ca",
)


def test_logins_and_authorities_reach_every_process_that_needs_them(helm: str) -> None:
    objects = render(helm, *PROFILES["prod"], *GUARDED)
    settings = next(item for item in objects if name_of(item) == "ConfigMap/hedgerow-settings")["data"]
    assert settings["HEDGEROW_KAFKA_SECURITY"] == "SASL_SSL"
    assert settings["HEDGEROW_REDIS_TLS"] == "true"
    for name, item, container in containers(objects):
        if not runs_on(item) or name.startswith("Job"):
            continue
        secrets = {source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source}
        folders = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert "kafka-login" in secrets, name
        assert ("redis-login" in secrets) == ("-cache/" in name or "-gateway/" in name), name
        for variable in ("HEDGEROW_KAFKA_CA", "HEDGEROW_REDIS_CA"):
            assert settings[variable].removesuffix("/ca.crt") in folders, name


def test_executors_are_told_the_same_and_start_anew_when_it_changes(helm: str) -> None:
    def operator(*arguments: str) -> dict[str, str]:
        objects = render(helm, *PROFILES["prod"], *arguments)
        found = next(
            container
            for name, _, container in containers(objects)
            if name.startswith("Deployment/hedgerow-operator")
        )
        return {item["name"]: item["value"] for item in found["env"]}

    plain, guarded = operator(), operator(*GUARDED)
    assert "kafka-login" in guarded["HEDGEROW_EXECUTOR_SECRETS"].split(",")
    assert json.loads(guarded["HEDGEROW_EXECUTOR_AUTHORITIES"])["/etc/hedgerow/kafka-ca"] == "kafka-ca"
    version = "HEDGEROW_EXECUTOR_SETTINGS_VERSION"
    assert plain[version] == operator("--set=history.days=3")[version]
    assert plain[version] != guarded[version]
    assert plain[version] != operator("--set=tracing.endpoint=http://collector:4318")[version]
