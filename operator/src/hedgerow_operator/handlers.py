"""kopf's part: the watches. A handler takes what was shown into the world and queues whom it concerns; no more.

Without handlers of causes kopf writes nothing to the objects: no finalizer, no annotation.
"""

from typing import Any

import kopf

from hedgerow_operator.kinds import DEPLOYMENT, Kind
from hedgerow_operator.metrics import Metrics
from hedgerow_operator.venue_workers import MANAGED_BY
from hedgerow_operator.work_queue import WorkQueue
from hedgerow_operator.world import WATCHED, World

# A watch that says nothing for longer than bookmarks come is dead, whatever the connection says.
INACTIVITY_S = 70.0
# Whole seconds: it goes to the API server as `timeoutSeconds`.
WATCH_S = 300
CONNECT_S = 10.0
REQUEST_S = 30.0


def build_registry(world: World, queue: WorkQueue, metrics: Metrics) -> kopf.OperatorRegistry:
    """One handler for each kind that is watched."""
    registry = kopf.OperatorRegistry()
    # A registry of our own has no logins: in a pod as its service account, elsewhere as the kubeconfig says.
    for login in (kopf.login_with_service_account, kopf.login_with_kubeconfig):
        kopf.on.login(id=login.__name__, registry=registry, errors=kopf.ErrorsMode.IGNORED)(login)
    for kind in WATCHED:
        _watch(registry, kind, world, queue, metrics)
    return registry


def _watch(
    registry: kopf.OperatorRegistry, kind: Kind, world: World, queue: WorkQueue, metrics: Metrics
) -> None:
    async def seen(event: Any, **_: Any) -> None:
        metrics.watch_events.labels(kind.kind).inc()
        body, store = dict(event["object"]), world.of(kind)
        news = store.remove(body) if event["type"] == "DELETED" else store.offer(body)
        if news:
            key = f"{body['metadata']['namespace']}/{body['metadata']['name']}"
            for item in world.changed(kind, key):
                queue.add(item)

    where = (kind.group, kind.version, kind.plural) if kind.group else (kind.version, kind.plural)
    labels = MANAGED_BY if kind is DEPLOYMENT else None
    kopf.on.event(*where, id=f"seen-{kind.plural}", registry=registry, labels=labels)(seen)


def build_kopf_settings(namespaced: bool) -> kopf.OperatorSettings:
    """Alone (a peer of equal priority would freeze both), and suspicious of watches that are silent."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.watching.server_timeout = WATCH_S
    settings.watching.client_timeout = WATCH_S + REQUEST_S
    settings.watching.connect_timeout = CONNECT_S
    settings.watching.inactivity_timeout = INACTIVITY_S
    settings.networking.request_timeout = REQUEST_S
    settings.networking.connect_timeout = CONNECT_S
    settings.scanning.disabled = namespaced
    return settings
