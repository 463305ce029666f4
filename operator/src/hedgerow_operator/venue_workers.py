"""The Deployments that run for one Venue, each with a key of its own: executor, collector of accounts. Pure."""

from typing import Any

import msgspec

from hedgerow.strategy.venue import Venue
from hedgerow_operator.settings import ExecutorSettings

KEYS_FOLDER = "/var/run/hedgerow/keys"
HTTP_PORT = 8080
USER = 10001
# A stopping executor writes down the answers of orders that are under way.
GRACE_S = 30
VENUE_LABEL = "hedgerow.dev/venue"
SECRET_VERSION = "hedgerow.dev/secret-version"
SETTINGS_VERSION = "hedgerow.dev/settings-version"
MANAGED_BY = {"app.kubernetes.io/managed-by": "hedgerow-operator"}


class VenueWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A role that runs for one Venue alone.

    Attributes:
        use: of the account's keys it gets, as `credentials` of the Venue calls it.
        folder_suffix: what stands behind the account in the name of the keys' folder.
    """

    role: str
    use: str
    folder_suffix: str

    def name(self, venue: str) -> str:
        """What its objects are called; the longest Venue name still gives a valid one."""
        return f"{venue}-{self.role}"

    def labels(self, venue: str) -> dict[str, str]:
        """Labels that select its pods for one Venue."""
        return {
            "app.kubernetes.io/name": "hedgerow",
            "app.kubernetes.io/component": self.role,
            VENUE_LABEL: venue,
        }


EXECUTOR = VenueWorker(role="executor", use="trade", folder_suffix="")
COLLECTOR = VenueWorker(role="accounts", use="read", folder_suffix="@read")
WORKERS = (EXECUTOR, COLLECTOR)


def build_deployment(
    worker: VenueWorker,
    venue: Venue,
    venue_uid: str,
    key_secret: str,
    secret_version: str,
    settings: ExecutorSettings,
) -> dict[str, Any]:
    """One worker of one venue account: one replica, and never two at a time.

    Args:
        key_secret: the Secret with the key that it gets; secret_version: its version, so that a new key starts a
            new pod.
    """
    name, namespace = venue.metadata.name, venue.metadata.namespace
    labels = worker.labels(name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": worker.name(name),
            "namespace": namespace,
            "labels": labels | MANAGED_BY,
            "ownerReferences": [
                {
                    "apiVersion": venue.api_version,
                    "kind": venue.kind,
                    "name": name,
                    "uid": venue_uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {
                    "labels": labels | MANAGED_BY,
                    "annotations": {
                        SECRET_VERSION: secret_version,
                        SETTINGS_VERSION: settings.settings_version,
                    },
                },
                "spec": _pod(worker, venue, key_secret, settings),
            },
        },
    }


def _pod(worker: VenueWorker, venue: Venue, key_secret: str, settings: ExecutorSettings) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(worker, venue, settings)],
        "volumes": [
            {"name": "keys", "secret": {"secretName": key_secret, "defaultMode": 0o440}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            *(_authority(number, secret) for number, secret in enumerate(settings.authorities.values())),
        ],
    }
    if settings.service_account:
        pod["serviceAccountName"] = settings.service_account
    if settings.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in settings.pull_secrets]
    return pod


def _authority(number: int, secret: str) -> dict[str, Any]:
    entry = [{"key": "ca.crt", "path": "ca.crt"}]
    return {"name": f"authority-{number}", "secret": {"secretName": secret, "items": entry}}


def _away_from_builtin(venue: Venue) -> list[dict[str, str]]:
    """A real venue's worker never learns where the built-in exchange is, whatever the shared settings say."""
    return [] if venue.spec.type == "Builtin" else [{"name": "HEDGEROW_EXCHANGE_URL", "value": ""}]


def _container(worker: VenueWorker, venue: Venue, settings: ExecutorSettings) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10, "timeoutSeconds": 5}
    sources = [
        *([{"configMapRef": {"name": settings.config_map}}] if settings.config_map else []),
        *({"secretRef": {"name": name}} for name in settings.secrets),
    ]
    return {
        "name": worker.role,
        "image": settings.image,
        "imagePullPolicy": settings.pull_policy,
        "args": ["worker", "--roles", worker.role],
        "envFrom": sources,
        "env": [
            {"name": "HEDGEROW_EXECUTOR_VENUE", "value": venue.key},
            {"name": "HEDGEROW_KEYS_DIR", "value": KEYS_FOLDER},
            {"name": "HEDGEROW_DATA_DIR", "value": "/tmp"},
            {"name": "HEDGEROW_HTTP_HOST", "value": "0.0.0.0"},
            {"name": "HEDGEROW_HTTP_PORT", "value": str(HTTP_PORT)},
            *_away_from_builtin(venue),
        ],
        "ports": [{"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"}],
        "startupProbe": probe | {"periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": probe | {"failureThreshold": 3},
        "readinessProbe": probe
        | {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 2, "failureThreshold": 3},
        "resources": settings.resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            # One folder per account, as everywhere; a pod has exactly one.
            {
                "name": "keys",
                "mountPath": f"{KEYS_FOLDER}/{venue.spec.account.id}{worker.folder_suffix}",
                "readOnly": True,
            },
            {"name": "tmp", "mountPath": "/tmp"},
            *(
                {"name": f"authority-{number}", "mountPath": folder, "readOnly": True}
                for number, folder in enumerate(settings.authorities)
            ),
        ],
    }
