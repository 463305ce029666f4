"""Takes the finalizer off when no operator will be there to do it: uninstalled, or in a namespace that goes with it.

What lets a strategy go so withdraws nothing. An operator that comes later finds what no resource declares any more, and
withdraws it then; the others it takes up again.
"""

from collections.abc import Iterable

import structlog

from hedgerow_operator.cluster import Cluster, Gone
from hedgerow_operator.kinds import GROUP_VERSION, NAMESPACE, STRATEGY, key_of
from hedgerow_operator.objects import holds_finalizer, with_finalizers

_log = structlog.get_logger(__name__)


async def let_go(cluster: Cluster, namespaces: Iterable[str]) -> int:
    """Of every strategy of these namespaces, none meaning all; how many there were.

    Raises:
        ClusterUnreachable
    """
    if STRATEGY.plural not in await cluster.served(GROUP_VERSION):
        return 0
    held = [body for body in await cluster.list(STRATEGY, namespaces) if holds_finalizer(body)]
    for body in held:
        try:
            await cluster.apply(STRATEGY, with_finalizers(body, []))
        except Gone:
            continue
        _log.warning("let go", strategy=key_of(body), deleted="deletionTimestamp" in body["metadata"])
    return len(held)


async def dying(cluster: Cluster, namespaces: Iterable[str]) -> list[str]:
    """Those of these namespaces that are being deleted.

    Raises:
        ClusterUnreachable
    """
    found = []
    for namespace in namespaces:
        try:
            body = await cluster.get(NAMESPACE, namespace)
        except Gone:
            continue
        if "deletionTimestamp" in body["metadata"]:
            found.append(namespace)
    return found
