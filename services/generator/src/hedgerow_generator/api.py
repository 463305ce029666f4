"""The gateway's REST API as a trader calls it."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any, Self

import aiohttp
import msgspec

from hedgerow_generator.pricing import Quote

# The gateway answers or refuses within 5 s; what takes longer is a lost answer.
_TIMEOUT = aiohttp.ClientTimeout(total=10.0, sock_connect=2.0)
_PAGE = 200


class Unanswered(Exception):
    """No answer tells what became of the request: send it again. `reason` is a short word for metrics."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Refused(Exception):
    """The gateway said no, and nothing was changed. `code` is the end of the problem's type."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.code = code


class Order(msgspec.Struct, frozen=True):
    """An order as the gateway shows it."""

    id: str
    symbol: str
    client_order_id: str | None
    status: str
    created_ts: str


class _Page(msgspec.Struct, frozen=True):
    orders: list[Order]
    next_cursor: str | None


class _Quoted(msgspec.Struct, frozen=True):
    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    problem: str | None


class _Problem(msgspec.Struct, frozen=True):
    type: str
    detail: str


class DeskApi:
    """Use it as a context manager. Every call raises `Unanswered` when its outcome is not known."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def quotes(self) -> dict[str, Quote | str]:
        """Each instrument's touch, or the code of why there is none."""
        found = await self._call("GET", "/quotes", list[_Quoted])
        return {
            item.symbol: item.problem or "quote-missing"
            if item.bid is None or item.ask is None
            else Quote(bid=item.bid, ask=item.ask)
            for item in found
        }

    async def place(self, body: Mapping[str, str]) -> Order:
        """
        Raises:
            Refused: it was not taken.
        """
        return await self._call("POST", "/orders", Order, json=body)

    async def cancel(self, order_id: str) -> Order:
        """
        Raises:
            Refused: it was filled before (`order-not-open`).
        """
        return await self._call("DELETE", f"/orders/{order_id}", Order)

    async def orders_since(self, created_ts: str) -> AsyncIterator[Order]:
        """Everybody's orders, newest first, back to this time (RFC 3339, UTC)."""
        query = {"limit": str(_PAGE)}
        while True:
            page = await self._call("GET", "/orders", _Page, params=query)
            for order in page.orders:
                if order.created_ts < created_ts:
                    return
                yield order
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor

    async def _call(self, method: str, path: str, kind: Any, **request: Any) -> Any:
        try:
            async with self._session.request(method, self._url + path, **request) as answer:
                status, body = answer.status, await answer.read()
        except TimeoutError as error:
            raise Unanswered("timeout", f"{method} {path}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unanswered("unreachable", f"{method} {path}: {error}") from error
        try:
            if status < 300:
                return msgspec.json.decode(body, type=kind)
            problem = msgspec.json.decode(body, type=_Problem)
        except msgspec.DecodeError as error:
            raise Unanswered("unreadable", f"{method} {path}: {status} {body[:200]!r}") from error
        code = problem.type.rsplit("/", 1)[-1]
        if status >= 500 or status == 429:
            raise Unanswered(code, problem.detail)
        raise Refused(status, code, problem.detail)
