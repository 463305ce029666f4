"""A local server that speaks Binance's public REST depth and WebSocket depth stream, from real recordings.

In tests the recorded messages are told one by one with `advance`, and faults are put in their way. By hand,
`python binance_server.py PORT [SPEED]` replays the bundled session at its own pace for as long as it lasts.
"""

import asyncio
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from aiohttp import WSMsgType, web

RECORDINGS = Path(__file__).parents[3] / "recordings"
RAW_SLICE = RECORDINGS / "binance_usdm_btcusdt_20240808_ws.jsonl.gz"


class Touch(NamedTuple):
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float


class Depth(NamedTuple):
    """One recorded depth message and when it was received."""

    recv_ns: int
    message: dict[str, Any]


class Market:
    """One instrument: the recorded messages, the book as it stands after those told, and faults in their way.

    Attributes:
        touches: the venue's touch after each update id that was told.
        quoted: the touch that the venue itself published (bookTicker) at an update id.
        withheld: how many of the coming messages are not delivered though they happen.
        stalled: no message is delivered at all while the connection stays open.
    """

    def __init__(
        self, kind: str, snapshot: dict[str, Any], messages: Iterable[Depth], quoted: dict[int, Touch]
    ) -> None:
        self.kind = kind
        self.quoted = quoted
        self.last_id = int(snapshot["lastUpdateId"])
        self.sides = {
            "b": {price: quantity for price, quantity in snapshot["bids"]},
            "a": {price: quantity for price, quantity in snapshot["asks"]},
        }
        self._best = {"b": max(self.sides["b"], key=float), "a": min(self.sides["a"], key=float)}
        self.pending = [depth for depth in messages if depth.message["u"] > self.last_id]
        self.touches = {self.last_id: self.touch()}
        self.event_ms = 0
        self.withheld = 0
        self.stalled = False

    def happen(self) -> dict[str, Any]:
        """The next recorded message changes the book."""
        message = self.pending.pop(0).message
        for side, changes in (("b", message["b"]), ("a", message["a"])):
            for price, quantity in changes:
                self._set(side, price, quantity)
        self.last_id = message["u"]
        self.event_ms = message["E"]
        self.touches[self.last_id] = self.touch()
        return message

    def _set(self, side: str, price: str, quantity: str) -> None:
        levels, best = self.sides[side], max if side == "b" else min
        if float(quantity):
            levels[price] = quantity
            self._best[side] = best(self._best[side], price, key=float)
        else:
            levels.pop(price, None)
            if price == self._best[side]:
                self._best[side] = best(levels, key=float)

    def levels(self, side: str, limit: int) -> list[list[str]]:
        ranked = sorted(self.sides[side].items(), key=lambda level: float(level[0]), reverse=side == "b")
        return [[price, quantity] for price, quantity in ranked[:limit]]

    def top(self, limit: int) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Bids and asks as numbers, best first."""
        return tuple(
            tuple((float(price), float(quantity)) for price, quantity in self.levels(side, limit))
            for side in ("b", "a")
        )

    def touch(self) -> Touch:
        bid, ask = self._best["b"], self._best["a"]
        return Touch(float(bid), float(self.sides["b"][bid]), float(ask), float(self.sides["a"][ask]))

    def depth(self, limit: int) -> dict[str, Any]:
        """As REST tells it."""
        book = {
            "lastUpdateId": self.last_id,
            "bids": self.levels("b", limit),
            "asks": self.levels("a", limit),
        }
        return {**book, "E": self.event_ms, "T": self.event_ms} if self.kind == "linear" else book


def raw_market(path: Path = RAW_SLICE, lines: list[str] | None = None) -> Market:
    """BTCUSDT's perpetual from unaltered websocket lines."""
    if lines is None:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    snapshot, messages, quoted = None, [], {}
    for line in lines:
        received, _, text = line.partition(" ")
        told = json.loads(text)
        data = told.get("data", told)
        if "lastUpdateId" in data:
            snapshot = data
        elif data["e"] == "depthUpdate":
            messages.append(Depth(int(received), data))
        elif data["e"] == "bookTicker":
            quoted[data["u"]] = Touch(float(data["b"]), float(data["B"]), float(data["a"]), float(data["A"]))
    assert snapshot is not None, f"{path} holds no snapshot"
    return Market("linear", snapshot, messages, quoted)


def recorded_market(kind: str) -> Market:
    """BTCUSDT from the bundled session, `spot` or `linear`, its rows put together to messages again."""
    return Market(kind, *_recorded(kind))


@cache
def _recorded(kind: str) -> tuple[dict[str, Any], list[Depth], dict[int, Touch]]:
    name = f"binance_{'spot' if kind == 'spot' else 'usdm'}_btcusdt_20240808"
    snapshot = pl.read_parquet(RECORDINGS / f"{name}_depth_snapshot.parquet")
    rows = pl.read_parquet(RECORDINGS / f"{name}_depth_diff.parquet")
    messages = []
    for (update,), part in rows.group_by("u", maintain_order=True):
        first = part.row(0, named=True)
        message = {
            "e": "depthUpdate",
            "E": first["event_ms"],
            "s": "BTCUSDT",
            "U": first["U"],
            "u": update,
            "b": texts(part.filter(pl.col("side") == "b")),
            "a": texts(part.filter(pl.col("side") == "a")),
        }
        if kind == "linear":
            message |= {"T": first["event_ms"], "pu": first["pu"]}
        messages.append(Depth(first["recv_ns"], message))
    quoted = {
        row["u"]: Touch(row["bid"], row["bid_qty"], row["ask"], row["ask_qty"])
        for row in pl.read_parquet(RECORDINGS / f"{name}_bbo.parquet").iter_rows(named=True)
    }
    told = {
        "lastUpdateId": snapshot["last_update_id"][0],
        "bids": texts(snapshot.filter(pl.col("side") == "b")),
        "asks": texts(snapshot.filter(pl.col("side") == "a")),
    }
    return told, messages, quoted


def texts(rows: pl.DataFrame) -> list[list[str]]:
    return [
        [f"{price:.2f}", f"{quantity:.8f}"] for price, quantity in rows.select("price", "qty").iter_rows()
    ]


class BinanceServer:
    """Serves markets by kind, each as BTCUSDT.

    Attributes:
        requests: how often each REST path was asked for.
        connections: when each socket was opened, by kind, monotonic seconds.
        failing: HTTP status and headers of the coming REST depth answers, first come first served.
        refusing: new sockets are refused.
        listed: base coins by kind.
        funding: the rate that the perpetual's longs pay now, and those that were settled, newest last, 8 h apart.
    """

    def __init__(self, *markets: Market) -> None:
        self.markets = {market.kind: market for market in markets}
        self.requests: Counter[str] = Counter()
        self.connections: dict[str, list[float]] = {"spot": [], "linear": []}
        self.failing: list[tuple[int, dict[str, str]]] = []
        self.refusing = False
        self.listed = {"spot": ["BTC", "XRP"], "linear": ["BTC", "XRP"]}
        self.funding: tuple[str, list[str]] | None = None
        self.url = ""
        self._sockets: dict[str, set[web.WebSocketResponse]] = {"spot": set(), "linear": set()}

    @asynccontextmanager
    async def running(self, port: int = 0) -> Any:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    def subscribed(self, kind: str) -> bool:
        return bool(self._sockets[kind])

    async def advance(self, kind: str, count: int = 1) -> None:
        """So many recorded messages happen, and are told unless a fault is in the way."""
        market = self.markets[kind]
        for _ in range(count):
            message = market.happen()
            if market.withheld:
                market.withheld -= 1
            elif not market.stalled:
                await self.tell(kind, json.dumps(message))

    async def tell(self, kind: str, text: str) -> None:
        """Any text to all sockets of this kind."""
        for socket in list(self._sockets[kind]):
            with suppress(ConnectionError):  # it may be closing from the other side
                await socket.send_str(text)

    async def close_sockets(self, kind: str) -> None:
        for socket in list(self._sockets[kind]):
            await socket.close()

    async def play(self, kind: str, speed: float) -> None:
        """All recorded messages at their own pace."""
        market = self.markets[kind]
        began_s, first_ns = time.monotonic(), market.pending[0].recv_ns
        while market.pending:
            due_s = began_s + (market.pending[0].recv_ns - first_ns) / 1e9 / speed
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            await self.advance(kind)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        kind = "linear" if "/fapi" in path or "fstream" in path else "spot"
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._follow(request, kind)
        self.requests[path] += 1
        if path.endswith("/exchangeInfo"):
            return web.json_response({"symbols": [listing(kind, base) for base in self.listed[kind]]})
        if path.endswith("/depth"):
            if self.failing:
                status, headers = self.failing.pop(0)
                return web.json_response({"code": -1003, "msg": "no"}, status=status, headers=headers)
            return web.json_response(self.markets[kind].depth(int(request.query.get("limit", 100))))
        if self.funding is not None and path.endswith(("/premiumIndex", "/fundingRate")):
            return web.json_response(self._funding_told(path, *self.funding))
        return web.json_response({"code": -1, "msg": f"unknown {path}"}, status=404)

    def _funding_told(self, path: str, rate: str, settled: list[str]) -> Any:
        """As Binance tells it: no interval, only when rates were settled."""
        eight_ms = 8 * 3_600_000
        last_ms = int(time.time() * 1000) // eight_ms * eight_ms
        if path.endswith("/premiumIndex"):
            return {"symbol": "BTCUSDT", "markPrice": "61700", "lastFundingRate": rate, "time": last_ms}
        count = len(settled)
        return [
            {
                "symbol": "BTCUSDT",
                "fundingTime": last_ms - (count - 1 - place) * eight_ms,
                "fundingRate": text,
            }
            for place, text in enumerate(settled)
        ]

    async def _follow(self, request: web.Request, kind: str) -> web.StreamResponse:
        self.connections[kind].append(time.monotonic())
        if self.refusing:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    asked = json.loads(frame.data)
                    assert asked["method"] == "SUBSCRIBE", asked
                    assert asked["params"] == ["btcusdt@depth@100ms"], asked
                    self._sockets[kind].add(socket)
                    await socket.send_json({"result": None, "id": asked["id"]})
        finally:
            self._sockets[kind].discard(socket)
        return socket


def listing(kind: str, base: str) -> dict[str, Any]:
    """One instrument in Binance's `exchangeInfo`, with the filters of the paper listings."""
    tick, lot = ("0.01", "0.00001") if kind == "spot" else ("0.10", "0.001")
    common = {
        "symbol": f"{base}USDT",
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000", "stepSize": lot},
        ],
    }
    if kind == "spot":
        return {**common, "isSpotTradingAllowed": True, "permissions": ["SPOT"]}
    return {
        **common,
        "pair": f"{base}USDT",
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "marginAsset": "USDT",
    }


async def _serve(port: int, speed: float) -> None:
    server = BinanceServer(recorded_market("spot"), recorded_market("linear"))
    async with server.running(port):
        print(f"Binance's public dialect at {server.url}, at {speed:g} times the recorded pace", flush=True)
        await asyncio.gather(*(server.play(kind, speed) for kind in server.markets))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1.0))
