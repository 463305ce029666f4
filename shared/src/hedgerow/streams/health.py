"""What the process says of itself over HTTP: `/healthz`, `/ready`, `/metrics`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from hedgerow.streams.watchdog import PATIENCE_S, Watchdog

_log = structlog.get_logger(__name__)


def progress(watchdogs: Mapping[str, Watchdog]) -> tuple[bool, Mapping[str, Any]]:
    """Whether every stream role gets on, and how far each is behind."""
    now_s = time.monotonic()
    stuck = {name: dog.stuck_s(now_s) for name, dog in watchdogs.items()}
    content = all(seconds <= PATIENCE_S for seconds in stuck.values())
    roles = {
        name: {"lag": watchdogs[name].lag, "no_progress_s": round(seconds, 1)}
        for name, seconds in stuck.items()
    }
    return content, {"content": content, "roles": roles}


class HealthServer:
    """Args:
    host, port: where to listen; port 0 takes a free one, which the log then names.
    alive: whether the process gets on, and what `/healthz` says of it.
    missing: what does not hold, and why; ready is when nothing is missing.
    """

    def __init__(
        self,
        host: str,
        port: int,
        alive: Callable[[], tuple[bool, Mapping[str, Any]]],
        missing: Callable[[], Mapping[str, str]],
        registry: CollectorRegistry,
    ) -> None:
        self._host = host
        self._port = port
        self._alive = alive
        self._missing = missing
        self._registry = registry
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Listen; the port.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/ready", self._ready),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        port = int(self._runner.addresses[0][1])
        _log.info("listening", host=self._host, port=port)
        return port

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, request: web.Request) -> web.Response:
        alive, body = self._alive()
        return web.json_response(body, status=200 if alive else 503)

    async def _ready(self, request: web.Request) -> web.Response:
        missing = self._missing()
        body = {"ready": not missing, "missing": missing}
        return web.json_response(body, status=503 if missing else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        text = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
