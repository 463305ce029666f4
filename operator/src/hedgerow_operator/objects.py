"""Objects that the operator makes beside executors: last good specs, Events, what it owns of a resource. Pure."""

import hashlib
from typing import Any

from hedgerow_operator.conditions import timestamp
from hedgerow_operator.kinds import EVENT, REVISION, Object
from hedgerow_operator.observed import FINALIZER, LastGood
from hedgerow_operator.report import Note
from hedgerow_operator.venue_workers import MANAGED_BY

STRATEGY_LABEL = "hedgerow.dev/strategy"
COMPONENT = "hedgerow-operator"
EVENT_NAME_DIGITS = 16


def build_last_good(resource: Object) -> Object:
    """A ControllerRevision that keeps the resource's spec, which was accepted. Its data never changes."""
    metadata = resource["metadata"]
    return {
        "apiVersion": REVISION.api_version,
        "kind": REVISION.kind,
        "metadata": {
            "name": f"{metadata['name']}-{metadata['uid'][:8]}-{metadata['generation']}",
            "namespace": metadata["namespace"],
            "labels": {STRATEGY_LABEL: metadata["name"]} | MANAGED_BY,
            "ownerReferences": [owner_reference(resource)],
        },
        "revision": metadata["generation"],
        "data": {"spec": resource["spec"]},
    }


def read_last_good(revision: Object) -> LastGood:
    return LastGood(
        name=revision["metadata"]["name"], generation=revision["revision"], spec=revision["data"]["spec"]
    )


def owner_reference(resource: Object) -> dict[str, Any]:
    metadata = resource["metadata"]
    return {
        "apiVersion": resource["apiVersion"],
        "kind": resource["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": False,
    }


def with_finalizers(resource: Object, finalizers: list[str]) -> Object:
    """What is applied to a resource so that these finalizers, and no others of ours, stand."""
    return _identity(resource) | {
        "metadata": _identity(resource)["metadata"]
        | {"finalizers": finalizers, "uid": resource["metadata"]["uid"]}
    }


def holds_finalizer(resource: Object) -> bool:
    return FINALIZER in (resource["metadata"].get("finalizers") or ())


def with_status(resource: Object, status: dict[str, Any]) -> Object:
    """What is applied to a resource's status."""
    return _identity(resource) | {"status": status}


def build_event(resource: Object, note: Note, now_ns: int) -> Object:
    """One Event. Its name follows from what it says, so that the same is not recorded twice after a restart."""
    metadata = resource["metadata"]
    said = f"{metadata['uid']}/{metadata['generation']}/{note.reason}/{note.message}"
    digest = hashlib.sha256(said.encode()).hexdigest()[:EVENT_NAME_DIGITS]
    now = timestamp(now_ns)
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": resource["apiVersion"],
            "kind": resource["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "type": "Warning" if note.warning else "Normal",
        "reason": note.reason,
        "message": note.message[:1024],
        "source": {"component": COMPONENT},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _identity(resource: Object) -> Object:
    metadata = resource["metadata"]
    return {
        "apiVersion": resource["apiVersion"],
        "kind": resource["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
    }
