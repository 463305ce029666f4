"""What the operator says of itself over HTTP: `/healthz`, `/ready`, `/metrics`."""

import asyncio
import time
from collections.abc import Callable

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

_log = structlog.get_logger(__name__)
INTERVALS = 3


class Pulse:
    """When the operator last got through everything, and which server it misses."""

    def __init__(self, interval_s: float) -> None:
        self._patience_s = INTERVALS * interval_s
        self._last_s = time.monotonic()
        self.missing: dict[str, str] = {"resources": "nothing was listed yet"}

    def beat(self) -> None:
        """A pass over everything has ended, even if a server was away."""
        self._last_s = time.monotonic()

    def set(self, server: str, problem: str | None) -> None:
        """Say what is wrong with a server, or that nothing is."""
        if problem is None:
            self.missing.pop(server, None)
        else:
            self.missing[server] = problem

    def silent_s(self) -> float:
        return time.monotonic() - self._last_s

    def stalled(self, oldest_queued_s: float) -> bool:
        """No pass ended, or nothing was taken from the queue, for too long."""
        return max(self.silent_s(), oldest_queued_s) > self._patience_s


class HealthServer:
    """Args:
    oldest_queued_s: how long the queue's first has been waiting, when it is called.
    """

    def __init__(
        self,
        host: str,
        port: int,
        pulse: Pulse,
        oldest_queued_s: Callable[[], float],
        registry: CollectorRegistry,
    ) -> None:
        self._host, self._port, self._pulse, self._registry = host, port, pulse, registry
        self._oldest_queued_s = oldest_queued_s
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
        await web.TCPSite(self._runner, self._host, self._port).start()
        port = int(self._runner.addresses[0][1])
        _log.info("listening", host=self._host, port=port)
        return port

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        queued_s = self._oldest_queued_s()
        stalled = self._pulse.stalled(queued_s)
        body = {
            "stalled": stalled,
            "last_pass_s": round(self._pulse.silent_s(), 1),
            "queued_s": round(queued_s, 1),
        }
        return web.json_response(body, status=503 if stalled else 200)

    async def _ready(self, _request: web.Request) -> web.Response:
        missing = self._pulse.missing
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

    async def _metrics(self, _request: web.Request) -> web.Response:
        text = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
