"""The private v5 stream: an account's orders, executions and positions as they change, over a WebSocket.

A stream that carries the topic `dcp` is also the account's sign of life: when its last one has been gone for the time
that the account asked for (`/v5/order/disconnected-cancel-all`), the account's open orders are cancelled.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec
import structlog
from aiohttp import WSMsgType, web

from hedgerow.domain.instruments import InstrumentKind
from hedgerow_exchange import dialect
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.keys import Key
from hedgerow_exchange.orders import Outcome

STREAM_PATH = "/v5/private"
TOPICS = ("order", "execution", "position")
SIGN_OF_LIFE = "dcp"
CATEGORIES = ("spot", "linear", "future")
# A peer that answers no WebSocket ping is gone, whatever TCP says.
HEARTBEAT_S = 5.0
LARGEST_BACKLOG = 1_000

_log = structlog.get_logger(__name__)


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sends: `auth`, `subscribe`, `unsubscribe` or `ping`."""

    op: str
    req_id: str | int = ""
    args: tuple[Any, ...] = ()


class _Connection:
    def __init__(self, number: int) -> None:
        self.id = f"private-{number}"
        self.account = ""
        self.topics: set[str] = set()
        self.outgoing: asyncio.Queue[bytes] = asyncio.Queue(LARGEST_BACKLOG)

    @property
    def is_sign_of_life(self) -> bool:
        return any(topic.partition(".")[0] == SIGN_OF_LIFE for topic in self.topics)

    def wants(self, topic: str, category: str) -> bool:
        return topic in self.topics or f"{topic}.{category}" in self.topics


class PrivateStreams:
    """Every open stream."""

    def __init__(
        self,
        engine: Engine,
        keys: Mapping[str, Key],
        clock_ns: Callable[[], int],
        lets_through: Callable[[str], bool],
        shows: Callable[[str], bool],
        commit: Callable[[Outcome], Awaitable[None]],
    ) -> None:
        """
        Args:
            lets_through: whether a message to an account may be sent; a fault may say no.
            shows: whether an order may be shown yet, by its id.
            commit: makes an outcome durable, then tells it.
        """
        self._engine, self._keys, self._clock_ns = engine, keys, clock_ns
        self._lets_through, self._shows, self._commit = lets_through, shows, commit
        self._connections: set[_Connection] = set()
        self._made = 0
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._decode = msgspec.json.Decoder(Command).decode

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """One stream, until it is closed by either side."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
        await socket.prepare(request)
        self._made += 1
        connection = _Connection(self._made)
        self._connections.add(connection)
        writing = asyncio.create_task(_write(socket, connection))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                self._say(connection, self._obey(connection, message.data))
        finally:
            self._connections.discard(connection)
            writing.cancel()
            self._watch_life(connection.account)
        return socket

    def publish(self, outcome: Outcome) -> None:
        """Tell an outcome, which is durable, to the accounts that it changed."""
        for account in sorted({order.account for order in outcome.orders}):
            found = [item for item in self._connections if item.account == account]
            if not found:
                continue
            for topic, category, rows in self._news(account, outcome):
                message = {
                    "id": f"{topic}-{outcome.time_ns}",
                    "topic": topic,
                    "creationTime": self._clock_ns() // dialect.MS_NS,
                    "data": rows,
                }
                for connection in found:
                    if connection.wants(topic, category):
                        self._say(connection, message)

    def _news(self, account: str, outcome: Outcome) -> Iterable[tuple[str, str, list[dialect.Row]]]:
        """(topic, category, rows), executions before the orders that they changed, as at Bybit."""
        listings, held = self._engine.listings, self._engine.accounts[account]
        for execution in outcome.executions:
            if execution.account == account and self._shows(execution.order_id):
                listing, order = listings[execution.symbol], held.orders[execution.order_id]
                category = _category(listing)
                row = dialect.execution_row(execution, order, listing)
                yield "execution", category, [{"category": category, **row}]
        for order in outcome.orders:
            if order.account != account or not self._shows(order.order_id):
                continue
            listing = listings[order.symbol]
            category = _category(listing)
            yield "order", category, [{"category": category, **dialect.order_row(order, listing)}]
            if order.cum_exec_qty and not listing.is_spot:
                row = dialect.position_row(self._engine, held, listing)
                yield "position", category, [{"category": category, **row}]

    def _obey(self, connection: _Connection, text: str) -> dict[str, Any]:
        try:
            command = self._decode(text)
        except msgspec.DecodeError as error:
            return _reply(connection, Command(op=""), False, f"params error: {error}")
        match command.op:
            case "ping":
                now_ms = str(self._clock_ns() // dialect.MS_NS)
                return {
                    "req_id": command.req_id,
                    "op": "pong",
                    "args": [now_ms],
                    "conn_id": connection.id,
                }
            case "auth":
                problem = self._authenticate(connection, command)
                return _reply(connection, command, not problem, problem)
            case "subscribe" | "unsubscribe":
                problem = self._subscribe(connection, command)
                return _reply(connection, command, not problem, problem)
        return _reply(connection, command, False, f"params error: no op {command.op!r}")

    def _authenticate(self, connection: _Connection, command: Command) -> str:
        """Why the stream is nobody's; empty when it is the key's account's."""
        match command.args:
            case (str(api_key), str() | int() as expires, str(signature)) if api_key in self._keys:
                key = self._keys[api_key]
            case _:
                return "Params Error: args should be a known key, an expiry in milliseconds and a signature"
        expected = hmac.digest(key.secret, f"GET/realtime{expires}".encode(), "sha256").hex()
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            return "Params Error: wrong signature of GET/realtime and the expiry"
        if not str(expires).isdigit() or int(expires) <= self._clock_ns() // dialect.MS_NS:
            return f"Params Error: expired at {expires}"
        connection.account = key.account
        return ""

    def _subscribe(self, connection: _Connection, command: Command) -> str:
        if not connection.account:
            return "Request not authorized"
        topics = {str(topic) for topic in command.args}
        unknown = sorted(topic for topic in topics if not _is_topic(topic))
        if unknown:
            return f"error:handler not found,topic:{','.join(unknown)}"
        if command.op == "subscribe":
            connection.topics |= topics
        else:
            connection.topics -= topics
        self._watch_life(connection.account)
        return ""

    def _say(self, connection: _Connection, message: dict[str, Any]) -> None:
        if connection.account and not self._lets_through(connection.account):
            return
        try:
            connection.outgoing.put_nowait(msgspec.json.encode(message))
        except asyncio.QueueFull:
            _log.warning("stream closed: its client does not read", account=connection.account)
            self._connections.discard(connection)
            connection.topics.clear()

    def _watch_life(self, account: str) -> None:
        """Begin or stop to wait for the account's sign of life."""
        alive = any(item.account == account and item.is_sign_of_life for item in self._connections)
        watch = self._watches.pop(account, None)
        if watch is not None and alive:
            watch.cancel()
        elif watch is not None:
            self._watches[account] = watch
        elif not alive and account and self._engine.accounts[account].dead_man_s:
            self._watches[account] = asyncio.create_task(self._cancel_when_silent(account))

    async def _cancel_when_silent(self, account: str) -> None:
        held = self._engine.accounts[account]
        waited = 0
        for product, seconds in sorted(held.dead_man_s.items(), key=lambda item: item[1]):
            await asyncio.sleep(seconds - waited)
            waited = seconds
            symbols = [
                listing.instrument.symbol
                for listing in self._engine.listings.values()
                if listing.is_spot is (product == "SPOT")
            ]
            outcome = self._engine.cancel_all(account, symbols, self._clock_ns())
            _log.warning(
                "account silent: its orders are cancelled", account=account, orders=len(outcome.orders)
            )
            await self._commit(outcome)
        self._watches.pop(account, None)


def _is_topic(topic: str) -> bool:
    name, _, category = topic.partition(".")
    return name in (*TOPICS, SIGN_OF_LIFE) and (not category or category in CATEGORIES)


def _category(listing: Any) -> str:
    kind = listing.instrument.kind
    return "linear" if kind in (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.LINEAR_FUTURE) else "spot"


def _reply(connection: _Connection, command: Command, success: bool, message: str) -> dict[str, Any]:
    return {
        "success": success,
        "ret_msg": message,
        "op": command.op,
        "req_id": command.req_id,
        "conn_id": connection.id,
    }


async def _write(socket: web.WebSocketResponse, connection: _Connection) -> None:
    while True:
        message = await connection.outgoing.get()
        try:
            await socket.send_str(message.decode())
        except ConnectionError:
            return
