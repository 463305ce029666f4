"""The door: HTTP requests in, Bybit's replies out. What a reply tells is in the journal before it leaves."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from hedgerow_exchange.api import CANCELS, PRIVATE, PUBLIC, fill_what_is_cancelled
from hedgerow_exchange.calls import Answer, Call
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.fault_desk import FaultDesk
from hedgerow_exchange.faults import FaultKind, FaultRule, Fired
from hedgerow_exchange.journal import Injected, Journal
from hedgerow_exchange.keys import Key, authenticate
from hedgerow_exchange.orders import Outcome
from hedgerow_exchange.private_stream import STREAM_PATH, PrivateStreams
from hedgerow_exchange.refusals import Reason, Refused

MS_NS = 1_000_000
# Of Bybit's order paths for an account without a rank; its window is a second.
REQUESTS_PER_SECOND = 10
RESET_MS = 1_000
_JSON = "application/json"


class Door:
    """Answers every request of one exchange."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        keys: Mapping[str, Key],
        metrics: CollectorRegistry,
        clock_ns: Callable[[], int] = time.time_ns,
        faults_allowed: bool = False,
    ) -> None:
        """
        Args:
            faults_allowed: whether anybody may have faults injected.
        """
        self._desk = FaultDesk(keys, faults_allowed, metrics)
        self._engine = engine
        self._journal = journal
        self._keys = keys
        self._clock_ns = clock_ns
        self._streams = PrivateStreams(
            engine,
            keys,
            clock_ns,
            lets_through=lambda account: not self._desk.on_stream(STREAM_PATH, account),
            shows=lambda order_id: self._desk.faults.shows(order_id, self._clock_ns()),
            commit=self._commit,
        )
        self._encode = msgspec.json.Encoder().encode
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
            return await self._desk.administer(request)
        # What is no UTF-8 was not signed as such, and is refused by its signature.
        body = (await request.read()).decode(errors="replace")
        asked = Request(method=request.method, path=path, query=query, body=body, headers=request.headers)
        try:
            fired = self._desk.on_request(path, request.headers, asked.payload)
        except Refused as refused:
            return _response(self._refusal(refused, self._clock_ns()))
        if fired.rules:
            await self._write_down(asked, fired)
        if fired.first(FaultKind.DROP_REQUEST):
            return _drop_connection(request)
        await _sleep_ms(fired.ms(FaultKind.DELAY_BEFORE))
        if path == STREAM_PATH:
            return await self._streams.serve(request)
        unexecuted = fired.first(FaultKind.SERVER_ERROR, FaultKind.TOO_MANY_REQUESTS)
        if unexecuted is not None:
            return _answer_unexecuted(unexecuted, self._clock_ns())
        changed: list[Outcome] = []
        code, reply = self._reply(asked, fired, changed)
        # Also a query waits: what it shows may be of an order that is not on disk yet.
        await self._journal.durable()
        for outcome in changed:
            self._streams.publish(outcome)
        is_unknown = code == Reason.UNKNOWN_PATH.value[0]
        self._requests.labels("unknown" if is_unknown else path, str(code)).inc()
        await _sleep_ms(fired.ms(FaultKind.DELAY_REPLY))
        return await _send(request, fired, _response(reply, 404 if is_unknown else 200))

    async def _write_down(self, asked: "Request", fired: Fired) -> None:
        key = self._keys.get(asked.headers.get("X-BAPI-API-KEY", ""))
        injected = Injected(
            method=asked.method,
            path=asked.path,
            account="" if key is None else key.account,
            order_link_id=asked.order_link_id(),
            faults=fired.rules,
        )
        self._journal.append_injected(self._clock_ns(), injected)
        await self._journal.durable()

    async def _commit(self, outcome: Outcome) -> None:
        self._journal.append(outcome)
        await self._journal.durable()
        self._streams.publish(outcome)

    def _reply(self, asked: "Request", fired: Fired, changed: list[Outcome]) -> tuple[int, bytes]:
        """Bybit's code and the reply's bytes; whatever was changed is handed to the journal, and in `changed`."""
        now_ns = self._clock_ns() + fired.skew_ms() * MS_NS
        try:
            answer = self._execute(asked, fired, now_ns, changed)
        except Refused as refused:
            return refused.code, self._refusal(refused, now_ns)
        if answer.outcome is not None:
            self._journal.append(answer.outcome)
            changed.append(answer.outcome)
            hidden_ms = fired.ms(FaultKind.HIDE_ORDER)
            if hidden_ms and answer.outcome.orders:
                order = answer.outcome.orders[0]
                self._desk.faults.hide(order.order_id, self._clock_ns() + hidden_ms * MS_NS)
        return 0, self._render(0, "OK", answer.result, now_ns)

    def _execute(self, asked: "Request", fired: Fired, now_ns: int, changed: list[Outcome]) -> Answer:
        route = (asked.method, asked.path)
        if route not in PUBLIC and route not in PRIVATE:
            raise Refused(Reason.UNKNOWN_PATH, f"the built-in exchange has no {asked.method} {asked.path}")
        key = None
        if route in PRIVATE:
            key = authenticate(self._keys, asked.headers, asked.payload, now_ns // MS_NS)
            if key.read_only and asked.method == "POST":
                raise Refused(
                    Reason.PERMISSION_DENIED, f"Permission denied: this key of {key.account} may only read"
                )
        shown_ns = self._clock_ns()
        call = Call(
            engine=self._engine,
            params=asked.params(),
            now_ns=now_ns,
            visible=lambda order_id: self._desk.faults.shows(order_id, shown_ns),
            fraction=fired.fraction(),
            read_only=key is not None and key.read_only,
        )
        if key is None:
            return PUBLIC[route](call)
        account = self._engine.accounts[key.account]
        if call.fraction is not None and asked.path in CANCELS:
            changed.append(fill_what_is_cancelled(call, account, call.fraction))
            self._journal.append(changed[-1])
        return PRIVATE[route](call, account)

    def _refusal(self, refused: Refused, now_ns: int) -> bytes:
        return self._render(refused.code, str(refused), {}, now_ns)

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


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]

    @property
    def payload(self) -> str:
        """What its signature covers."""
        return self.body if self.method == "POST" else self.query

    def params(self) -> dict[str, Any]:
        """
        Raises:
            Refused: the body is no JSON object.
        """
        if self.method != "POST":
            return dict(parse_qsl(self.query, keep_blank_values=True))
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise Refused(Reason.BAD_PARAMETER, f"the body should be a JSON object: {error}") from None

    def order_link_id(self) -> str:
        """The client order id that it is about; empty when it names none or cannot be read."""
        try:
            return str(self.params().get("orderLinkId", ""))
        except Refused:
            return ""


def _response(reply: bytes, status: int = 200) -> web.Response:
    return web.Response(body=reply, content_type=_JSON, status=status)


def _answer_unexecuted(rule: FaultRule, now_ns: int) -> web.Response:
    """The answer of a fault that keeps the request from being executed."""
    if rule.kind is FaultKind.SERVER_ERROR:
        return web.Response(status=rule.http_status, text="fault injected\n")
    code = Reason.TOO_MANY_REQUESTS.value[0]
    body = {"retCode": code, "retMsg": "Too many visits!", "result": {}, "time": now_ns // MS_NS}
    return web.Response(
        status=rule.http_status,
        body=msgspec.json.encode(body),
        content_type=_JSON,
        headers=limit_headers(remaining=0, reset_ms=now_ns // MS_NS + RESET_MS),
    )


def limit_headers(remaining: int, reset_ms: int) -> dict[str, str]:
    """Bybit's: requests a second, how many are left, and when there are more."""
    return {
        "X-Bapi-Limit": str(REQUESTS_PER_SECOND),
        "X-Bapi-Limit-Status": str(remaining),
        "X-Bapi-Limit-Reset-Timestamp": str(reset_ms),
    }


async def _send(request: web.BaseRequest, fired: Fired, reply: web.Response) -> web.StreamResponse:
    """The reply, as far as the faults let it through."""
    failed = fired.first(FaultKind.ERROR_REPLY)
    if failed is not None:
        return web.Response(status=failed.http_status, text="fault injected\n")
    if fired.first(FaultKind.DROP_REPLY):
        return _drop_connection(request)
    if fired.first(FaultKind.BREAK_REPLY):
        return await _break_off(request, reply)
    return reply


async def _break_off(request: web.BaseRequest, reply: web.Response) -> web.StreamResponse:
    """Send the head and half of the body, then close the connection."""
    assert isinstance(reply.body, bytes)
    half = web.StreamResponse(status=reply.status)
    half.content_type = _JSON
    half.content_length = len(reply.body)
    await half.prepare(request)
    await half.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()  # what was written still goes out
    return half


def _drop_connection(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection without a reply; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _sleep_ms(milliseconds: int) -> None:
    if milliseconds:
        await asyncio.sleep(milliseconds / 1_000)
