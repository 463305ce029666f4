"""Posts the planned orders when they are due, cancels those that wait in vain, and knows how each one ended."""

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from hedgerow.streams.context import Readiness
from hedgerow.streams.waiting import stopped_within
from hedgerow_generator.api import DeskApi, Order, Refused, Unanswered
from hedgerow_generator.metrics import GeneratorMetrics
from hedgerow_generator.plan import PlannedOrder
from hedgerow_generator.pricing import order_request
from hedgerow_generator.tally import TallyFile

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 2.0
_WAITS, _FILLED, _CANCELLED = "ACCEPTED", "FILLED", "CANCELLED"


class Trading:
    """One session's orders.

    Args:
        tallies: where the counts are kept.
        prefix: of the session's client order ids; the number of the order follows.
        since_ns: when the session began.
    """

    def __init__(
        self,
        api: DeskApi,
        metrics: GeneratorMetrics,
        tallies: TallyFile,
        readiness: Readiness,
        stopping: asyncio.Event,
        prefix: str,
        since_ns: int,
    ) -> None:
        self._api = api
        self._metrics = metrics
        self._tallies = tallies
        self._tally = tallies.read()
        self._readiness = readiness
        self._stopping = stopping
        self._prefix = prefix
        self._since = datetime.fromtimestamp(since_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self._clock = asyncio.get_running_loop().time
        # Orders that wait: until when, id, symbol; the least patient first.
        self._waiting: list[tuple[float, str, str]] = []
        readiness.set("gateway", False, "not asked yet", outage=True)

    async def run(self, orders: Iterator[PlannedOrder]) -> None:
        """Trade until asked to stop, then cancel what still waits.

        A restart goes on behind the newest order that the gateway knows of this session.
        """
        first = await self._take_over() + 1
        begun_s: float | None = None
        for number, planned in enumerate(itertools.islice(orders, first, None), first):
            if begun_s is None:
                begun_s = self._clock() - planned.elapsed_s
            if not await self._reach(begun_s + planned.elapsed_s):
                break
            await self._place(planned, f"{self._prefix}{number}")
        while self._waiting:
            await self._withdraw()

    async def _take_over(self) -> int:
        """Take over what waits of this session; the number of the newest order that the gateway knows, -1 for none."""
        known = await self._answered(self._own_orders)
        held = {order_id for _, order_id, _ in self._waiting}
        for order in known.values():
            if order.status == _WAITS and order.id not in held:
                heapq.heappush(self._waiting, (self._clock(), order.id, order.symbol))
        # How those that we hold end is counted when we learn it.
        ended = Counter(order.status for order in known.values() if order.id not in held)
        self._tally.accepted = len(known)
        self._tally.filled, self._tally.cancelled = ended[_FILLED], ended[_CANCELLED]
        return max(known, default=-1)

    async def _own_orders(self) -> dict[int, Order]:
        found = {}
        async for order in self._api.orders_since(self._since):
            name = order.client_order_id or ""
            if name.startswith(self._prefix):
                found[int(name.removeprefix(self._prefix))] = order
        return found

    async def _reach(self, due_s: float) -> bool:
        """Wait until then, cancelling what loses its patience; False when asked to stop."""
        while True:
            next_s = min(due_s, self._waiting[0][0]) if self._waiting else due_s
            if await stopped_within(self._stopping, next_s - self._clock()):
                return False
            if self._waiting and self._waiting[0][0] <= self._clock():
                await self._withdraw()
            elif due_s <= self._clock():
                return True

    async def _place(self, planned: PlannedOrder, name: str) -> None:
        quote = (await self._answered(self._api.quotes)).get(planned.symbol, "quote-missing")
        if isinstance(quote, str):
            self._metrics.unpriced.labels(quote).inc()
            self._tally.count("unpriced", quote)
            self._tallies.write(self._tally)
            return
        body = order_request(planned, name, quote)
        self._metrics.posted.labels(planned.symbol).inc()
        try:
            order = await self._answered(lambda: self._api.place(body))
        except Refused as refusal:
            self._metrics.refused.labels(refusal.code).inc()
            self._tally.count("refused", refusal.code)
            _log.warning("order refused", order=name, reason=str(refusal))
            if refusal.code == "client-order-id-used":
                # Our predecessor's last request was recorded after we had asked what is known.
                await self._take_over()
        else:
            self._accepted(order, planned.patience_s)
        self._tallies.write(self._tally)

    def _accepted(self, order: Order, patience_s: float) -> None:
        self._metrics.accepted.labels(order.symbol).inc()
        self._tally.accepted += 1
        if order.status == _WAITS:
            heapq.heappush(self._waiting, (self._clock() + patience_s, order.id, order.symbol))
        else:
            self._filled(order.symbol)

    def _filled(self, symbol: str) -> None:
        self._metrics.filled.labels(symbol).inc()
        self._tally.filled += 1

    async def _withdraw(self) -> None:
        """Cancel the least patient order; that it was filled meanwhile is learnt in the same way."""
        _, order_id, symbol = self._waiting[0]
        try:
            await self._answered(lambda: self._api.cancel(order_id))
        except Refused as refusal:
            if refusal.code != "order-not-open":
                raise
            self._filled(symbol)
        else:
            self._metrics.cancelled.labels(symbol).inc()
            self._tally.cancelled += 1
        heapq.heappop(self._waiting)
        self._tallies.write(self._tally)

    async def _answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The gateway's answer, asked again until there is one: every request may be repeated without harm.

        Raises:
            Refused: that was the answer.
        """
        retry_s = _FIRST_RETRY_S
        while True:
            try:
                answer = await ask()
            except Unanswered as error:
                self._metrics.unanswered.labels(error.reason).inc()
                self._tally.count("unanswered", error.reason)
                self._readiness.set("gateway", False, str(error), outage=True)
                _log.warning("gateway did not answer", error=str(error), next_try_s=retry_s)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, _LONGEST_RETRY_S)
            else:
                self._readiness.set("gateway", True)
                return answer
