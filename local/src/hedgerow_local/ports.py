"""Ports that are free right now."""

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different TCP ports on loopback that nobody listens on.

    All are held open until the last is found, so none is given twice. Another process may still take one
    before its server binds it: the server then fails to start and says so.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind((LOOPBACK, 0))
        return tuple(int(item.getsockname()[1]) for item in sockets)


def free_port() -> int:
    """One TCP port on loopback that nobody listens on."""
    return free_ports(1)[0]
