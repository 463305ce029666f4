"""A watch whose connection was forgotten on the way says nothing, and no error comes. Seen on a real API server."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kopf
import pytest
from faults.tcp_proxy import Proxies, TcpProxy
from operator_desk import Desk, Kube
from prometheus_client import CollectorRegistry

from hedgerow_operator.handlers import build_kopf_settings, build_registry
from hedgerow_operator.kinds import HALT
from hedgerow_operator.metrics import build_metrics
from hedgerow_operator.work_queue import WorkQueue
from hedgerow_operator.world import World

PATIENCE_S = 60.0
# What is 70 s in an operator: the API server's bookmarks, a minute apart, keep a watch that lives from being given up.
INACTIVITY_S = 2.0
STRATEGY = "HedgeStrategy"


class Door:
    """A way to the API server, and the kubeconfig that takes it."""

    def __init__(self, proxy: TcpProxy, kubeconfig: Path) -> None:
        self.proxy, self.kubeconfig = proxy, kubeconfig


@pytest.fixture
def door(kube_apiserver: Path, tmp_path: Path) -> Iterator[Door]:
    config = json.loads(kube_apiserver.read_text())
    cluster = config["clusters"][0]["cluster"]
    address = urlsplit(cluster["server"])
    assert address.port is not None
    proxies = Proxies()
    proxy = proxies.door(address.port)
    cluster["server"] = f"https://{address.hostname}:{proxy.port}"
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    file.chmod(0o600)
    yield Door(proxy, file)
    proxies.close()


@asynccontextmanager
async def watching(namespace: str, inactivity_s: float | None) -> Any:
    """What the watches show, and nothing else: no resync."""
    world, stop = World(), asyncio.Event()
    settings = build_kopf_settings(namespaced=True)
    settings.watching.inactivity_timeout = inactivity_s
    task = asyncio.create_task(
        kopf.operator(
            registry=build_registry(world, WorkQueue(), build_metrics(CollectorRegistry())),
            settings=settings,
            standalone=True,
            namespaces=[namespace],
            stop_flag=stop,
        )
    )
    try:
        yield world
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)


async def seen(what: str, look: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not look():  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {PATIENCE_S:g} s") from None


async def test_a_silent_watch_is_given_up_and_the_next_one_misses_nothing(
    kube_apiserver: Path, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(door.kubeconfig))
    kube = Kube(kube_apiserver, f"silent-{uuid.uuid4().hex[:8]}")
    kube.create_namespace()

    def halt(name: str) -> dict[str, Any]:
        return kube.apply("Halt", name, {"target": {"all": True}, "reason": "drill"})

    def names(world: World) -> set[str]:
        return {key.rpartition("/")[2] for key in world.of(HALT).objects}

    async with AsyncExitStack() as stack:
        suspicious: World = await stack.enter_async_context(watching(kube.namespace, INACTIVITY_S))
        trusting: World = await stack.enter_async_context(watching(kube.namespace, None))
        for name in ("stays", "goes"):
            await asyncio.to_thread(halt, name)
        for world in (suspicious, trusting):
            await seen("both halts", lambda world=world: names(world) == {"stays", "goes"})  # type: ignore[misc]
        door.proxy.strand()
        await asyncio.to_thread(halt, "comes")
        await asyncio.to_thread(kube.delete, "Halt", "goes")
        await seen("what came and what went", lambda: names(suspicious) == {"stays", "comes"})
        # Without the limit nothing would have told.
        assert names(trusting) == {"stays", "goes"}


def test_an_operator_whose_every_connection_hangs_finds_what_changed(
    own_desk: Callable[..., Desk], door: Door
) -> None:
    desk = own_desk(KUBECONFIG=str(door.kubeconfig), HEDGEROW_RESYNC="2s")
    desk.operator.start()
    desk.venue()
    desk.strategy("btc")
    desk.kube.wait(STRATEGY, "btc", "Published", "True")
    door.proxy.strand()
    desk.strategy("btc", upper="31000")
    desk.kube.wait(STRATEGY, "btc", "Published", "True")
    live = desk.live("btc")
    assert live is not None
    assert str(live.config.bands[0].upper) == "31000"
