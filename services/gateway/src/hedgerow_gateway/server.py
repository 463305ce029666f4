"""uvicorn inside the worker's event loop."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp

_log = structlog.get_logger(__name__)

_BACKLOG = 1024
_GRACE_S = 5


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the worker's."""
        yield


async def serve(app: ASGIApp, listener: socket.socket, stopping: asyncio.Event) -> None:
    """Answer until asked to stop, and then what was begun.

    Args:
        listener: bound; closed when this returns.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)

    async def end_when_asked() -> None:
        await stopping.wait()
        server.should_exit = True

    ending = asyncio.create_task(end_when_asked())
    try:
        await server.serve(sockets=[listener])
    finally:
        ending.cancel()
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one, which the log then names.

    Raises:
        OSError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    _log.info("gateway open", host=host, port=listener.getsockname()[1])
    return listener
