"""A door between a client and a server on loopback, which can be shut in the ways in which networks fail."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from enum import Enum

from hedgerow_local.ports import LOOPBACK

CHUNK = 65_536


class Direction(Enum):
    """Which way bytes go."""

    TO_SERVER = "to the server"
    FROM_SERVER = "from the server"


# Whether bytes may pass, by direction.
Gates = dict[Direction, asyncio.Event]


def _open_gates() -> Gates:
    gates = {direction: asyncio.Event() for direction in Direction}
    for gate in gates.values():
        gate.set()
    return gates


class TcpProxy:
    """One door. Its port stays the same for life; `target` may move to another server.

    Made by `Proxies.door`. Every method may be called from any thread and has happened when it returns.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, target: int) -> None:
        self._loop = loop
        self._target = target
        self._refusing = False
        self._delay_s = 0.0
        self._passing = _open_gates()
        self._stranded: list[Gates] = []
        self._clients: set[asyncio.StreamWriter] = set()
        self._servers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection and each new one: both ends know at once."""
        self._do(self._cut)

    def hold(self, *directions: Direction) -> None:
        """Let nothing pass that way, as a network does that loses every packet; what was sent arrives at `heal`."""
        self._do(lambda: [self._passing[direction].clear() for direction in directions])

    def half_open(self) -> None:
        """The server's end of every connection is gone, and the client is not told."""
        self._do(self._half_open)

    def strand(self) -> None:
        """Let nothing pass ever again on open connections, and tell nobody, as when a firewall forgot them. New ones
        pass."""
        self._do(self._strand)

    def delay(self, seconds: float) -> None:
        """Pass everything that much later, each way."""
        self._do(lambda: setattr(self, "_delay_s", seconds))

    def heal(self) -> None:
        """Pass everything again; connections whose other end is gone are closed."""
        self._do(self._heal)

    def lead_to(self, port: int) -> None:
        """New connections go to another server; those that are open are reset."""
        self._do(lambda: self._lead_to(port))

    def _do(self, act: Callable[[], object]) -> None:
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(10), "the proxies' thread does not answer"

    def _cut(self) -> None:
        self._refusing = True
        for writer in (*self._clients, *self._servers):
            _reset(writer)

    def _half_open(self) -> None:
        self._passing[Direction.FROM_SERVER].clear()
        for writer in self._servers:
            _reset(writer)

    def _strand(self) -> None:
        for passing in self._passing.values():
            passing.clear()
        self._stranded.append(self._passing)
        self._passing = _open_gates()

    def _heal(self) -> None:
        self._refusing = False
        self._delay_s = 0.0
        for passing in self._passing.values():
            passing.set()

    def _lead_to(self, port: int) -> None:
        self._target = port
        for writer in (*self._clients, *self._servers):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            if not self._refusing:
                # A connection is only made when a packet comes through; until then the client waits.
                passing = self._passing
                await passing[Direction.TO_SERVER].wait()
                await self._connect(reader, writer, passing)
        except OSError:
            pass  # nobody listens there: the client is told below
        finally:
            self._clients.discard(writer)
            _reset(writer)

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: Gates
    ) -> None:
        server_reader, server_writer = await asyncio.open_connection(LOOPBACK, self._target)
        self._servers.add(server_writer)
        pumps = [
            asyncio.create_task(self._pump(reader, server_writer, passing[Direction.TO_SERVER])),
            asyncio.create_task(self._pump(server_reader, writer, passing[Direction.FROM_SERVER])),
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
            for pump in done:
                pump.exception()  # one end is gone, which the other is told now
            # That the server's end is gone is something that has to get through as well.
            await passing[Direction.FROM_SERVER].wait()
        finally:
            for pump in pumps:
                pump.cancel()
            self._servers.discard(server_writer)
            _reset(server_writer)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: asyncio.Event
    ) -> None:
        while True:
            data = await reader.read(CHUNK)
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            await passing.wait()
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    async def close(self) -> None:
        self._cut()
        self._heal()
        for passing in (gate for gates in self._stranded for gate in gates.values()):
            passing.set()
        if self._server is not None:
            self._server.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once, so that the other end gets an error and no orderly end."""
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Proxies:
    """Every door of a rig, served by a thread of its own so that a busy test holds nothing up."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._doors: list[TcpProxy] = []
        self._thread.start()

    def door(self, target: int) -> TcpProxy:
        """A new door to a port on loopback."""
        door = TcpProxy(self._loop, target)
        asyncio.run_coroutine_threadsafe(door.open(), self._loop).result(10)
        self._doors.append(door)
        return door

    def close(self) -> None:
        for door in self._doors:
            asyncio.run_coroutine_threadsafe(door.close(), self._loop).result(10)
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        """Every connection is reset by now, so that whoever served one comes to its end."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=5)
