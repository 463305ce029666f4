"""The maker's quotes.

M1 quotes are the recorded sizes   M2 the book never crosses   M3 the maker never takes
M4 accounts' orders are untouched  M5 quotes stay away from accounts' orders on the other side
"""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.orders import Side
from hedgerow_exchange.book import TimeInForce
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.liquidity import Liquidity
from hedgerow_exchange.listings import paper_listings
from hedgerow_exchange.maker import Maker
from hedgerow_exchange.orders import OrderType, PlaceOrder

PERP = "BTC/USDT:USDT"
NOW = 1_790_000_000_000_000_000
Levels = list[tuple[float, float]]


def make() -> tuple[Engine, Maker]:
    engine = Engine(paper_listings(), ["one", "two"], "0badcafe")
    return engine, Maker(engine.listings[PERP], engine.books[PERP])


def send(
    engine: Engine,
    side: Side,
    quantity: str,
    price: str,
    tif: TimeInForce = TimeInForce.IOC,
    account: str = "one",
) -> None:
    command = PlaceOrder(
        symbol=PERP,
        side=side,
        order_type=OrderType.LIMIT,
        quantity=Decimal(quantity),
        price=Decimal(price),
        time_in_force=tif,
    )
    engine.place(account, command, NOW)


def shown(engine: Engine, side: Side) -> Levels:
    listing = engine.listings[PERP]
    return [
        (float(listing.price(price)), float(listing.quantity(lots)))
        for price, lots in engine.books[PERP].levels(side, 1_000)
    ]


def test_the_book_shows_the_recorded_sizes() -> None:
    engine, maker = make()
    maker.mirror([(100.0, 1.5), (99.9, 2.0)], [(100.1, 0.25)], (None, None))
    assert shown(engine, Side.BUY) == [(100.0, 1.5), (99.9, 2.0)]
    assert shown(engine, Side.SELL) == [(100.1, 0.25)]


def test_fills_consume_a_level_until_the_next_recorded_update() -> None:
    engine, maker = make()
    book = ([(100.0, 1.0)], [(100.1, 2.0)])
    maker.mirror(*book, (None, None))
    send(engine, Side.BUY, "1.4", "100.1")
    assert shown(engine, Side.SELL) == [(100.1, 0.6)]
    maker.mirror(*book, (None, None))
    assert shown(engine, Side.SELL) == [(100.1, 2.0)]


def test_quantities_are_floored_to_the_lot_and_less_than_a_lot_is_not_quoted() -> None:
    engine, maker = make()
    maker.mirror([(100.0, 0.0019), (99.9, 0.0009)], [], (None, None))
    assert shown(engine, Side.BUY) == [(100.0, 0.001)]


def test_a_price_off_the_tick_is_refused_by_name() -> None:
    _, maker = make()
    with pytest.raises(ValueError, match=r"recorded price 100\.05 of BTC/USDT:USDT"):
        maker.mirror([(100.05, 1.0)], [], (None, None))


def test_a_crossed_recording_is_not_quoted() -> None:
    engine, maker = make()
    maker.mirror([(100.0, 1.0)], [(100.1, 1.0)], (None, None))
    maker.mirror([(100.2, 1.0)], [(100.1, 1.0)], (None, None))
    assert shown(engine, Side.BUY) == shown(engine, Side.SELL) == []


def test_an_accounts_resting_order_is_neither_taken_nor_crossed() -> None:
    engine, maker = make()
    maker.mirror([(100.0, 1.0)], [(100.5, 1.0)], (None, None))
    send(engine, Side.SELL, "2", "100.3", TimeInForce.GTC)
    maker.mirror([(100.4, 1.0), (100.3, 1.0), (100.2, 7.0)], [(100.6, 1.0)], engine.touch_of_orders(PERP))
    assert shown(engine, Side.BUY) == [(100.2, 7.0)]
    assert shown(engine, Side.SELL) == [(100.3, 2.0), (100.6, 1.0)]


ticks = st.integers(990, 1_010)
sizes = st.floats(0.0001, 5.0)


@st.composite
def recorded_books(draw: st.DrawFn) -> tuple[Levels, Levels]:
    """Often crossed by the book before, sometimes crossed in itself."""
    mid = draw(ticks)
    shift = draw(st.sampled_from([1, 1, 1, 0]))
    bids = draw(st.lists(sizes, max_size=5))
    asks = draw(st.lists(sizes, max_size=5))
    return (
        [((mid - step) / 10, size) for step, size in enumerate(bids)],
        [((mid + shift + step) / 10, size) for step, size in enumerate(asks)],
    )


@dataclass
class Send:
    account: str
    side: Side
    quantity: str
    price: str
    tif: TimeInForce


sends = st.builds(
    Send,
    st.sampled_from(["one", "two"]),
    st.sampled_from(list(Side)),
    st.sampled_from(["0.1", "1", "4"]),
    ticks.map(lambda tick: f"{tick / 10:.1f}"),
    st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.POST_ONLY]),
)


@settings(max_examples=300)
@given(st.lists(st.one_of(recorded_books(), sends), max_size=40))
def test_m1_to_m5_hold_after_every_update(script: list[tuple[Levels, Levels] | Send]) -> None:
    engine, maker = make()
    book = engine.books[PERP]
    for step in script:
        if isinstance(step, Send):
            send(engine, step.side, step.quantity, step.price, step.tif, step.account)
        else:
            executed = [len(account.executions) for account in engine.accounts.values()]
            orders_before = own_orders(engine)
            touch = engine.touch_of_orders(PERP)
            maker.mirror(*step, touch)
            assert [len(account.executions) for account in engine.accounts.values()] == executed
            assert own_orders(engine) == orders_before
            assert_quotes(engine, step, touch)
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        assert bid is None or ask is None or bid < ask


def own_orders(engine: Engine) -> dict[int, int]:
    return {
        number: engine.books[PERP].remaining(number)
        for account in engine.accounts.values()
        for number in account.open_orders
    }


def assert_quotes(
    engine: Engine, recorded: tuple[Levels, Levels], touch: tuple[int | None, int | None]
) -> None:
    """What the book holds beside the accounts' orders is what was recorded, floored, where it may stand."""
    targets = []
    for levels, limit, sign in ((recorded[0], touch[1], 1), (recorded[1], touch[0], -1)):
        lots = {round(price * 10): int(Decimal(repr(size)) * 1_000) for price, size in levels}
        targets.append(
            {tick: n for tick, n in lots.items() if n and (limit is None or (limit - tick) * sign > 0)}
        )
    if targets[0] and targets[1] and max(targets[0]) >= min(targets[1]):
        targets = [{}, {}]
    for side, target in zip(Side, targets, strict=True):
        rests = dict(engine.books[PERP].levels(side, 1_000))
        for account in engine.accounts.values():
            for order in account.open_orders.values():
                if order.side is side and order.price is not None:
                    tick = engine.listings[PERP].ticks(order.price)
                    rests[tick] -= engine.books[PERP].remaining(order.number)
        assert {tick: lots for tick, lots in rests.items() if lots} == target


class FakeTape:
    """Three events a lap, 100 ns apart; event n bids for n + 1."""

    instrument = PERP
    events_per_lap = 3

    def __init__(self) -> None:
        self.seeks: list[tuple[int, int]] = []

    def position(self, session_start_ns: int, now_ns: int, speed: float) -> "FakeTape.At":
        lap, index = divmod(int((now_ns - session_start_ns) * speed) // 100, 4)
        return FakeTape.At(lap, index)

    def event_time_ns(self, session_start_ns: int, speed: float, lap: int, index: int) -> int:
        return session_start_ns + int((lap * 4 + index) * 100 / speed)

    def cursor(self) -> "FakeTape":
        return self

    def seek(self, lap: int, index: int) -> None:
        self.seeks.append((lap, index))

    def top(self, levels: int) -> tuple[Levels, Levels]:
        return [(100.0, float(self.seeks[-1][1] + 1))], [(100.1, 1.0)]

    @dataclass
    class At:
        lap: int
        index: int


def follow(speed: float = 1.0) -> tuple[Engine, FakeTape, Liquidity]:
    engine, _ = make()
    tape = FakeTape()
    return engine, tape, Liquidity(engine, [tape], NOW, speed)  # type: ignore[list-item]


def test_quotes_stand_where_the_clock_says_and_change_only_with_the_tape() -> None:
    engine, tape, liquidity = follow()
    liquidity.mirror(NOW + 150)
    assert shown(engine, Side.BUY) == [(100.0, 2.0)]
    send(engine, Side.SELL, "1.5", "100.0")
    liquidity.mirror(NOW + 199)
    assert shown(engine, Side.BUY) == [(100.0, 0.5)]
    liquidity.mirror(NOW + 250)
    assert shown(engine, Side.BUY) == [(100.0, 3.0)]
    assert tape.seeks == [(0, 1), (0, 2)]


def test_a_late_start_resumes_in_place_and_a_lap_begins_again() -> None:
    engine, tape, liquidity = follow(speed=2.0)
    liquidity.mirror(NOW + 1_000)
    assert tape.seeks == [(5, 0)]
    assert shown(engine, Side.BUY) == [(100.0, 1.0)]


async def test_following_the_tape_ends_when_asked() -> None:
    _, tape, liquidity = follow(speed=1e-9)
    stopping = asyncio.Event()
    following = asyncio.create_task(liquidity.run(stopping))
    await asyncio.sleep(0)
    stopping.set()
    await following
    assert tape.seeks
