"""Bybit's testnet, as far as this process can tell: its host names lead to the built-in exchange, over TLS.

The names are looked up and the certificate is checked as ever; only what a lookup answers, and which authority is
trusted, are this process's own for the time of a test. Nothing of the product or of ccxt is changed.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
import pytest
import trusted_servers

HOSTS = ("api-testnet.bybit.com", "stream-testnet.bybit.com")
# Those that everybody trusts.
AUTHORITIES = certifi.where()
_PIECE = 65_536


class Door:
    """
    Attributes:
        asked: the names that were looked up; those that are not the testnet's are not answered.
        carried: how many connections found the certificate right.
    """

    def __init__(self) -> None:
        self.port = 0
        self.asked: set[str] = set()
        self.carried = 0

    def lookup(self, host: Any, port: Any, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        """As `socket.getaddrinfo`."""
        if host in ("127.0.0.1", "localhost"):
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", int(port)))]
        self.asked.add(str(host))
        if host not in HOSTS:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not to be asked in this test")
        assert int(port) == 443
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", self.port))]


@contextlib.asynccontextmanager
async def leads_to_testnet(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    """While it is open, the testnet's names lead to the exchange at `url`.

    Args:
        folder: for the certificates.
    """
    authority, identity = trusted_servers.make(folder, *HOSTS)
    behind = urlsplit(url)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    door = Door()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        door.carried += 1
        try:
            inner_reader, inner_writer = await asyncio.open_connection(behind.hostname, behind.port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))

    server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
    door.port = server.sockets[0].getsockname()[1]
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", door.lookup)
        patched.setattr(certifi, "where", lambda: str(authority))
        try:
            yield door
        finally:
            server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError, ssl.SSLError):
        writer.close()
