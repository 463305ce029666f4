"""The door: HTTP requests in, Bybit's replies out. What a reply tells is in the journal before it leaves."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from hedgerow_exchange.api import PRIVATE, PUBLIC, Answer, Call
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.faults import FaultKind, FaultRule, Faults, FaultState, Fired
from hedgerow_exchange.journal import Journal
from hedgerow_exchange.keys import Key, authenticate
from hedgerow_exchange.refusals import Reason, Refused

MS_NS = 1_000_000
_JSON = "application/json"

_log = structlog.get_logger(__name__)


class Door:
    """Answers every request of one exchange."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        keys: Mapping[str, Key],
        metrics: CollectorRegistry,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.faults = Faults()
        self._engine = engine
        self._journal = journal
        self._keys = keys
        self._clock_ns = clock_ns
        self._encode = msgspec.json.Encoder().encode
        self._decode_rules = msgspec.json.Decoder(list[FaultRule]).decode
        self._requests = Counter(
            "hedgerow_exchange_requests",
            "Requests answered, by path and Bybit's return code",
            ["path", "code"],
            registry=metrics,
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; the handler of the server."""
        path, _, query = request.raw_path.partition("?")
        if path == "/faults":
            return await self._administer(request)
        fired = self.faults.on_request(path)
        await _sleep_ms(fired.ms(FaultKind.DELAY_BEFORE))
        # What is no UTF-8 was not signed as such, and is refused by its signature.
        body = (await request.read()).decode(errors="replace")
        refusal = _answer_unexecuted(fired)
        if refusal is not None:
            return refusal
        code, reply = self._reply(request, path, query, body, fired)
        # Also a query waits: what it shows may be of an order that is not on disk yet.
        await self._journal.durable()
        self._requests.labels(path if code != Reason.UNKNOWN_PATH.value[0] else "unknown", str(code)).inc()
        await _sleep_ms(fired.ms(FaultKind.DELAY_REPLY))
        if fired.first(FaultKind.DROP_REPLY):
            _drop_connection(request)
        status = 404 if code == Reason.UNKNOWN_PATH.value[0] else 200
        return web.Response(body=reply, content_type=_JSON, status=status)

    def _reply(
        self, request: web.BaseRequest, path: str, query: str, body: str, fired: Fired
    ) -> tuple[int, bytes]:
        """Bybit's code and the reply's bytes; whatever was changed is handed to the journal."""
        now_ns = self._clock_ns()
        try:
            answer = self._execute(request, path, query, body, now_ns)
        except Refused as refused:
            return refused.code, self._render(refused.code, str(refused), {}, now_ns)
        if answer.outcome is not None:
            self._journal.append(answer.outcome)
            hidden_ms = fired.ms(FaultKind.HIDE_ORDER)
            if hidden_ms and answer.outcome.orders:
                order = answer.outcome.orders[0]
                self.faults.hide(order.order_id, order.created_ns + hidden_ms * MS_NS)
        return 0, self._render(0, "OK", answer.result, now_ns)

    def _execute(self, request: web.BaseRequest, path: str, query: str, body: str, now_ns: int) -> Answer:
        route = (request.method, path)
        if route not in PUBLIC and route not in PRIVATE:
            raise Refused(Reason.UNKNOWN_PATH, f"the built-in exchange has no {request.method} {path}")
        is_post = request.method == "POST"
        account = None
        if route in PRIVATE:
            payload = body if is_post else query
            account = authenticate(self._keys, request.headers, payload, now_ns // MS_NS)
        call = Call(
            engine=self._engine,
            params=_json_object(body) if is_post else dict(parse_qsl(query, keep_blank_values=True)),
            now_ns=now_ns,
            visible=lambda order_id: self.faults.shows(order_id, now_ns),
        )
        if account is None:
            return PUBLIC[route](call)
        return PRIVATE[route](call, self._engine.accounts[account])

    def _render(self, code: int, message: str, result: Any, now_ns: int) -> bytes:
        return self._encode(
            {
                "retCode": code,
                "retMsg": message,
                "result": result,
                "retExtInfo": {},
                "time": now_ns // MS_NS,
            }
        )

    async def _administer(self, request: web.BaseRequest) -> web.StreamResponse:
        """`/faults`: POST adds a list of rules, GET tells of them, DELETE forgets them."""
        if request.method == "POST":
            try:
                rules = self._decode_rules(await request.read())
            except msgspec.DecodeError as error:
                return web.Response(status=400, text=f"a JSON list of fault rules is expected: {error}\n")
            self.faults.add(rules)
            _log.warning("faults added", rules=[msgspec.to_builtins(rule) for rule in rules])
        elif request.method == "DELETE":
            self.faults.clear()
        elif request.method != "GET":
            return web.Response(status=405, text="/faults takes GET, POST and DELETE\n")
        states: list[FaultState] = self.faults.states()
        return web.Response(body=self._encode(states), content_type=_JSON)


def _answer_unexecuted(fired: Fired) -> web.Response | None:
    """The answer of a fault that keeps the request from being executed."""
    rule = fired.first(FaultKind.SERVER_ERROR, FaultKind.TOO_MANY_REQUESTS)
    if rule is None:
        return None
    if rule.kind is FaultKind.SERVER_ERROR:
        return web.Response(status=rule.status, text="fault injected\n")
    code = Reason.TOO_MANY_REQUESTS.value[0]
    return web.Response(
        status=429,
        body=msgspec.json.encode({"retCode": code, "retMsg": "Too many visits!", "result": {}}),
        content_type=_JSON,
    )


def _drop_connection(request: web.BaseRequest) -> None:
    """Close the connection without a reply; what is returned afterwards goes nowhere."""
    if request.transport is not None:
        request.transport.abort()


def _json_object(body: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Refused(Reason.BAD_PARAMETER, f"the body should be a JSON object: {error}") from None


async def _sleep_ms(milliseconds: int) -> None:
    if milliseconds:
        await asyncio.sleep(milliseconds / 1_000)
