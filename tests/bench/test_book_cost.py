"""What one order costs in the native book, beside Python books on `sortedcontainers` in the same run.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_book_cost.py`. Nothing is gated: the ratios are for reading.

- lazy: a cancelled order stays in its queue, marked dead, and its level too; fast, but it cannot tell its best price
- exact: a cancelled order leaves its queue at once, an emptied level the book
- liquibook, C++, through its Python wrapper
- nautilus_trader's book, when it can be imported (LGPL, and it would hold back what the product uses: no dependency)
"""

import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sortedcontainers import SortedDict

from hedgerow.kernels import NATIVE, OrderBook
from hedgerow.kernels.book_records import blank_commands
from hedgerow.kernels.book_words import Kind, SelfTrade
from hedgerow.kernels.twin_book import TwinOrderBook

pytestmark = [
    pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1"),
    pytest.mark.skipif(not NATIVE, reason="the native kernels are not built"),
]

EVENTS = 100_000
ROUNDS = 7
WARM_UP = 6_000
ANCHOR = "Python, sortedcontainers, lazy"
EXACT = "Python, sortedcontainers, exact"
Row = tuple[int, int, int, int, int]  # cancels?, id, side, price, quantity


def flow(seed: int = 3) -> NDArray[np.void]:
    """Around a wandering price: 48 % orders that rest, 12 % that take, 40 % cancels of late ones."""
    rng = np.random.default_rng(seed)
    middle = 10_000 + np.cumsum(rng.choice([-1, 0, 0, 0, 0, 0, 0, 0, 0, 1], EVENTS))
    draw = rng.random(EVENTS)
    cancels, takes = draw < 0.40, draw > 0.88
    side = rng.choice([1, -1], EVENTS)
    away = np.minimum(rng.geometric(0.08, EVENTS), 400)
    commands = blank_commands(EVENTS)
    commands["order_id"] = np.arange(1, EVENTS + 1)
    commands["side"] = side
    commands["price"] = np.where(takes, middle + 20 * side, middle - away * side)
    commands["quantity"] = rng.integers(1, 100, EVENTS) * np.where(takes, 3, 1)
    commands["flags"] = SelfTrade.ALLOW
    rests = np.flatnonzero(~cancels & ~takes)
    target = np.searchsorted(rests, np.arange(EVENTS)) - rng.integers(1, 2_000, EVENTS)
    cancels &= target >= 0
    commands["kind"][cancels] = Kind.CANCEL
    commands["order_id"][cancels] = rests[target[cancels]] + 1
    return commands


def rows_of(commands: NDArray[np.void]) -> list[Row]:
    columns = (
        commands["kind"] == Kind.CANCEL,
        *(commands[name] for name in ("order_id", "side", "price", "quantity")),
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


class LazyBook:
    """Price to queue, and id to order; cancelled orders and emptied levels go when they are met."""

    def __init__(self) -> None:
        self.bids, self.asks = SortedDict(), SortedDict()
        self.ids: dict[int, list[int]] = {}

    def limit(self, order_id: int, side: int, price: int, quantity: int) -> list[tuple[int, int, int]]:
        fills = []
        against, sign = (self.asks, 1) if side == 1 else (self.bids, -1)
        while quantity and against:
            key, queue = against.peekitem(0)
            if key > price * sign:
                break
            while quantity and queue:
                order = queue[0]
                if order[1] == 0:
                    queue.popleft()
                    continue
                traded = order[1] if order[1] < quantity else quantity
                order[1] -= traded
                quantity -= traded
                fills.append((order[0], key * sign, traded))
                if order[1] == 0:
                    queue.popleft()
                    self.ids.pop(order[0], None)
            if not queue:
                del against[key]
        if quantity:
            own, key = (self.bids, -price) if side == 1 else (self.asks, price)
            queue = own.get(key)
            if queue is None:
                queue = own[key] = deque()
            order = [order_id, quantity]
            queue.append(order)
            self.ids[order_id] = order
        return fills

    def cancel(self, order_id: int) -> None:
        order = self.ids.pop(order_id, None)
        if order is not None:
            order[1] = 0


class ExactBook:
    """Price to queue, and id to order; what is cancelled is gone."""

    def __init__(self) -> None:
        self.bids, self.asks = SortedDict(), SortedDict()
        self.ids: dict[int, tuple[SortedDict, int]] = {}

    def limit(self, order_id: int, side: int, price: int, quantity: int) -> list[tuple[int, int, int]]:
        fills = []
        against, sign = (self.asks, 1) if side == 1 else (self.bids, -1)
        while quantity and against:
            key, queue = against.peekitem(0)
            if key > price * sign:
                break
            maker, open_quantity = next(iter(queue.items()))
            traded = min(open_quantity, quantity)
            quantity -= traded
            fills.append((maker, key * sign, traded))
            if traded < open_quantity:
                queue[maker] = open_quantity - traded
                continue
            del queue[maker], self.ids[maker]
            if not queue:
                del against[key]
        if quantity:
            own, key = (self.bids, -price) if side == 1 else (self.asks, price)
            if key not in own:
                own[key] = OrderedDict()
            own[key][order_id] = quantity
            self.ids[order_id] = (own, key)
        return fills

    def cancel(self, order_id: int) -> None:
        where = self.ids.pop(order_id, None)
        if where is not None:
            own, key = where
            del own[key][order_id]
            if not own[key]:
                del own[key]


def run_python(book_class: Any, rows: list[Row]) -> tuple[int, int]:
    book = book_class()
    limit, cancel, fills = book.limit, book.cancel, 0
    for cancels, order_id, side, price, quantity in rows:
        if cancels:
            cancel(order_id)
        else:
            fills += len(limit(order_id, side, price, quantity))
    return len(book.ids), fills


def run_calls(book_class: Any, rows: list[Row]) -> tuple[int, int]:
    book = book_class()
    limit, cancel, fills = book.limit, book.cancel, 0
    for cancels, order_id, side, price, quantity in rows:
        if cancels:
            cancel(order_id)
        else:
            fills += len(limit(order_id, 0, side, quantity, price, self_trade=0).fills)
    return len(book), fills


def run_batches(commands: NDArray[np.void], size: int) -> tuple[int, int]:
    book, fills = OrderBook(), 0
    for start in range(0, len(commands), size):
        fills += len(book.run(commands[start : start + size]).fills)
    return len(book), fills


def run_in_batches(book: Any, commands: NDArray[np.void]) -> None:
    for start in range(0, len(commands), 1_000):
        book.run(commands[start : start + 1_000])


def measure(cases: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median processor seconds per event, one case after the other in every round.

    Not the time that passed: when others use the machine, that is lengthened most for whoever runs longest, which
    would flatter the native book.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, work in cases.items():
            begun = time.process_time()
            work()
            seconds[name].append((time.process_time() - begun) / EVENTS)
    return {name: median(times) for name, times in seconds.items()}


def test_orders_and_cancels_beside_python_books() -> None:
    commands = flow()
    rows = rows_of(commands)
    cases: dict[str, Callable[[], tuple[int, int]]] = {
        ANCHOR: lambda: run_python(LazyBook, rows),
        EXACT: lambda: run_python(ExactBook, rows),
        "twin, one call each": lambda: run_calls(TwinOrderBook, rows),
        "native, one call each, fills read": lambda: run_calls(OrderBook, rows),
        "native, batches of 64": lambda: run_batches(commands, 64),
        "native, batches of 1,000": lambda: run_batches(commands, 1_000),
        "native, one batch": lambda: run_batches(commands, EVENTS),
    }
    results = {work() for work in cases.values()}
    assert len(results) == 1, results
    measured = measure(cases, ROUNDS)
    print(f"\n{EVENTS:,} orders and cancels; (open orders, fills): {results}")
    print(f"{'':36}{'ns/event':>10}{'x lazy':>9}{'x exact':>9}")
    for name, spent in measured.items():
        lazy, exact = measured[ANCHOR] / spent, measured[EXACT] / spent
        print(f"{name:36}{spent * 1e9:10.1f}{lazy:9.2f}{exact:9.2f}")


def filled_book(orders: int, levels: int) -> Any:
    """Bids of 10 from 10,000 down, the same number at every level."""
    commands = blank_commands(orders)
    commands["order_id"] = np.arange(1, orders + 1)
    commands["side"], commands["quantity"] = 1, 10
    commands["price"] = 10_000 - np.arange(orders) % levels
    book = OrderBook()
    book.run(commands)
    return book


def churn(orders: int, anywhere: bool, count: int = 30_000) -> NDArray[np.void]:
    """Cancel an order, join the queue again, fill one order: the book stays as large.

    Cancelled is one of the last hundred that joined, or any of them all.
    """
    rng = np.random.default_rng(5)
    steps = np.arange(count // 3)
    commands = blank_commands(count)
    commands["flags"] = SelfTrade.ALLOW
    commands["kind"] = Kind.LIMIT
    cancels, joins, takes = (commands[first::3] for first in range(3))
    cancels["kind"] = Kind.CANCEL
    late = orders + 2 * (steps - 1 - rng.integers(0, 100, len(steps))) + 1
    cancels["order_id"] = rng.permutation(orders)[: len(steps)] + 1 if anywhere else late
    joins["order_id"], takes["order_id"] = orders + 2 * steps + 1, orders + 2 * steps + 2
    joins["side"], takes["side"] = 1, -1
    joins["quantity"], takes["quantity"] = 20, 10
    joins["price"], takes["price"] = 10_000, 9_999
    return commands


@pytest.mark.parametrize("anywhere", [False, True], ids=["late", "anywhere"])
@pytest.mark.parametrize(
    ("what", "sizes"),
    [
        ("one level of so many orders", [(size, 1) for size in (10_000, 30_000, 100_000)]),
        ("1,000 levels, so many orders in all", [(size, 1_000) for size in (10_000, 100_000, 1_000_000)]),
    ],
)
def test_it_stays_as_fast_as_the_book_deepens(
    what: str, sizes: list[tuple[int, int]], anywhere: bool
) -> None:
    """Work per event is the same at any depth; cancels anywhere miss the caches of a book that outgrew them."""
    times: dict[tuple[int, int], list[float]] = {size: [] for size in sizes}
    for _ in range(5):
        for orders, levels in sizes:
            book, commands = filled_book(orders, levels), churn(orders, anywhere)
            # The first batches find memory that the system has yet to give, after a large book most.
            run_in_batches(book, commands[:WARM_UP])
            begun = time.process_time()
            run_in_batches(book, commands[WARM_UP:])
            times[orders, levels].append((time.process_time() - begun) / (len(commands) - WARM_UP))
    print(f"\n{what}: ns/event of cancel {'anywhere' if anywhere else 'late ones'}, join, fill one")
    base = median(times[sizes[0]])
    for (orders, _), spent in times.items():
        print(f"{orders:12,}{median(spent) * 1e9:10.1f}{median(spent) / base:8.2f}x")


def test_beside_liquibook() -> None:
    """Its orders are objects, so making them counts, as it does on our side; nobody listens to its fills."""
    liquibook = pytest.importorskip(
        "liquibook", reason="liquibook is not installed (scripts/install.sh --bench)"
    )
    rows = rows_of(flow())

    def theirs() -> int:
        book, made = liquibook.DepthOrderBook("BTC"), {}
        add, cancel, order_class = book.add, book.cancel, liquibook.SimpleOrder
        for cancels, order_id, side, price, quantity in rows:
            if not cancels:
                made[order_id] = order = order_class(side == 1, price, quantity)
                add(order)
            elif order_id in made:
                cancel(made[order_id])
        return len(book.bids()) + len(book.asks())

    assert theirs() == run_calls(OrderBook, rows)[0]
    cases = {
        "liquibook, one call each": theirs,
        ANCHOR: lambda: run_python(LazyBook, rows),
        "native, one call each, fills read": lambda: run_calls(OrderBook, rows),
    }
    measured = measure(cases, 5)
    print()
    for name, spent in measured.items():
        print(f"{name:36}{spent * 1e9:10.1f} ns/event{measured[ANCHOR] / spent:9.2f} x lazy")


def test_beside_nautilus_trader() -> None:
    """Its book does not match, so both get only orders that rest, and cancels."""
    reason = "nautilus_trader is not installed (optional peer)"
    model = pytest.importorskip("nautilus_trader.model", reason=reason)
    enums = pytest.importorskip("nautilus_trader.model.enums", reason=reason)
    data = pytest.importorskip("nautilus_trader.model.data", reason=reason)
    book_module = pytest.importorskip("nautilus_trader.model.book", reason=reason)
    commands = flow()
    # Bids below all asks: nothing trades.
    commands["price"] += np.where(commands["side"] == 1, -5_000, 5_000)
    rows = rows_of(commands)
    instrument = model.InstrumentId.from_str("BTC.TEST")
    sides = {1: enums.OrderSide.BUY, -1: enums.OrderSide.SELL}
    made = {
        order_id: data.BookOrder(sides[side], model.Price(price, 0), model.Quantity(quantity, 0), order_id)
        for cancels, order_id, side, price, quantity in rows
        if not cancels
    }

    def nautilus() -> int:
        book = book_module.OrderBook(instrument, enums.BookType.L3_MBO)
        for cancels, order_id, *_ in rows:
            if cancels:
                book.delete(made[order_id], 0)
            else:
                book.add(made[order_id], 0)
        return len(book.bids()) + len(book.asks())

    def native() -> int:
        book = OrderBook()
        for cancels, order_id, side, price, quantity in rows:
            if cancels:
                book.cancel(order_id)
            else:
                book.limit(order_id, 0, side, quantity, price)
        return len(book.levels(1, EVENTS)) + len(book.levels(-1, EVENTS))

    assert nautilus() == native()
    peer = "nautilus_trader, orders made before"
    measured = measure({peer: nautilus, "native, one call each": native}, 3)
    print()
    for name, spent in measured.items():
        print(f"{name:36}{spent * 1e9:10.1f} ns/event{measured[peer] / spent:9.2f}")
