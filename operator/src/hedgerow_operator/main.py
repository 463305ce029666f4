"""`hedgerow-operator`: runs until it gets a signal; its settings are in the environment.

`hedgerow-operator let-go` takes its finalizer off every strategy and ends: what uninstalling does at last.
"""

import asyncio
import logging
import sys

import structlog
from kubernetes.client import ApiClient
from kubernetes.config import ConfigException
from prometheus_client import CollectorRegistry, ProcessCollector

from hedgerow.streams.logs import set_up_logs
from hedgerow.streams.settings import SettingsError
from hedgerow.streams.topic_making import TopicsUnusable
from hedgerow_operator.cluster import Cluster, ClusterUnreachable, connect_cluster
from hedgerow_operator.letting_go import let_go
from hedgerow_operator.metrics import build_metrics
from hedgerow_operator.settings import OperatorSettings, read_namespaces, read_operator_settings
from hedgerow_operator.whole import Operator

_log = structlog.get_logger(__name__)


def main() -> None:
    """Exit code 2: the settings or arguments are wrong; 1: it cannot go on."""
    if sys.argv[1:] == ["let-go"]:
        _let_go()
        return
    if len(sys.argv) > 1:
        sys.exit(
            _say(f"{sys.argv[1]!r} is no command; there is one, let-go, and without it the operator runs", 2)
        )
    try:
        settings = read_operator_settings()
        api = connect_cluster()
    except (SettingsError, ConfigException) as error:
        sys.exit(_say(f"{error}", 2))
    set_up_logs(["operator"])
    # It tells of every event that a handler took.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    try:
        asyncio.run(_run(settings, api, registry))
    except TopicsUnusable as error:
        _log.critical("cannot go on", reason=str(error))
        sys.exit(1)


async def _run(settings: OperatorSettings, api: ApiClient, registry: CollectorRegistry) -> None:
    await Operator(settings, api, registry).run(asyncio.Event())


def _let_go() -> None:
    set_up_logs(["operator"])
    try:
        cluster = Cluster(connect_cluster(), build_metrics(CollectorRegistry()))
        count = asyncio.run(let_go(cluster, read_namespaces()))
    except (ConfigException, ClusterUnreachable) as error:
        sys.exit(_say(f"{error}", 1))
    _log.info("no strategy is held any more", let_go=count)


def _say(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code


if __name__ == "__main__":
    main()
