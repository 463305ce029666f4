"""Client orders and told books in the ledger, under contention."""

import asyncio
import random
import uuid
from collections.abc import Callable
from decimal import Decimal

import asyncpg
import msgspec
import pytest
from hedge_examples import client_order

from hedgerow.desk.client_orders import ClientOrder, ClientOrderState, OrderNotOpen
from hedgerow.domain.loans import Loan
from hedgerow.domain.orders import Side
from hedgerow.ledger.books import (
    BookMovedByFills,
    BookOfAnotherKind,
    BookRefused,
    ClientFill,
    FedBook,
    FillRefused,
    find_book,
    record_client_fill,
    replace_book,
)
from hedgerow.ledger.client_orders import (
    cancel_client_order,
    fill_client_order,
    find_client_order,
    place_client_order,
    resting_client_orders,
)
from hedgerow.schemas.records import BookKind


@pytest.mark.parametrize("seed", range(3))
async def test_fills_and_cancels_at_once_end_each_order_once(pool: asyncpg.Pool, seed: int) -> None:
    orders = [client_order() for _ in range(10)]
    for order in orders:
        async with pool.acquire() as connection:
            await place_client_order(connection, order, 1)

    async def attempt(order: ClientOrder, fills: bool) -> bool:
        async with pool.acquire() as connection:
            try:
                if fills:
                    await fill_client_order(connection, order.id, Decimal(60_000), 2)
                else:
                    await cancel_client_order(connection, order.id, 2)
            except OrderNotOpen:
                return False
            return fills

    dice = random.Random(seed)
    attempts = [(order, dice.random() < 0.5) for order in orders * 4]
    dice.shuffle(attempts)
    filled = sum(await asyncio.gather(*(attempt(order, fills) for order, fills in attempts)))
    async with pool.acquire() as connection:
        ended = [await find_client_order(connection, order.id) for order in orders]
        assert await resting_client_orders(connection) == []
        assert await connection.fetchval("select count(*) from client_fills") == filled
        book = await find_book(connection, "clients", 9)
    assert sum(order is not None and order.state is ClientOrderState.FILLED for order in ended) == filled
    assert (book.positions["BTC/USDT"] if book else 0) == -filled * Decimal("0.5")


async def test_a_fill_that_cannot_be_booked_leaves_no_order_behind(pool: asyncpg.Pool) -> None:
    order = client_order(
        state=ClientOrderState.FILLED,
        rested=False,
        fill_price=Decimal(60_000),
        concluded_ns=1,
        quantity=Decimal("0.0000001"),
    )
    async with pool.acquire() as connection:
        with pytest.raises(FillRefused):
            await place_client_order(connection, order, 1)
        assert await find_client_order(connection, order.id) is None


async def test_what_is_not_there_is_neither_filled_nor_cancelled(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(LookupError):
            await fill_client_order(connection, str(uuid.uuid4()), Decimal(1), 1)
        with pytest.raises(LookupError):
            await cancel_client_order(connection, str(uuid.uuid4()), 1)


def told_positions(number: int) -> FedBook:
    return FedBook(name="oms", sequence=number, as_of_ns=number, positions={"BTC/USDT": Decimal(number)})


def told_loans(number: int) -> FedBook:
    """As many loans as the number says, the newest of which is owed a little more each time."""
    loans = tuple(
        Loan(
            id=f"Loan-{index:02}" if index % 2 else f"loan-{index:02}",
            asset="USDT",
            principal=Decimal("16200"),
            interest=Decimal(number) / 1000,
            annual_rate=Decimal("0.06"),
            since_ns=index,
            collateral={"BTC": Decimal("0.5"), "ETH": Decimal(index)} if index else {},
        )
        for index in range(number % 5)
    )
    ranked = tuple(sorted(loans, key=lambda loan: loan.id))
    return FedBook(name="oms", sequence=number, as_of_ns=number, kind=BookKind.LOANS, loans=ranked)


@pytest.mark.parametrize("make", [told_positions, told_loans])
@pytest.mark.parametrize("seed", range(3))
async def test_books_told_out_of_order_end_at_the_newest(
    pool: asyncpg.Pool, seed: int, make: Callable[[int], FedBook]
) -> None:
    told = [make(number) for number in range(1, 20)]
    dice = random.Random(seed)
    shuffled = [*told, *told]
    dice.shuffle(shuffled)

    async def tell(book: FedBook) -> None:
        async with pool.acquire() as connection:
            try:
                now = await replace_book(connection, book, 99)
                assert (now.sequence, now.positions, now.loans, now.published_ns) == (
                    book.sequence,
                    book.positions,
                    book.loans,
                    book.as_of_ns,
                )
            except BookRefused:
                pass

    await asyncio.gather(*map(tell, shuffled))
    async with pool.acquire() as connection:
        book = await find_book(connection, "oms", 99)
    assert book is not None
    newest = told[-1]
    assert (book.sequence, book.kind) == (19, newest.kind)
    assert (book.positions, book.loans) == (newest.positions, newest.loans)


@pytest.mark.parametrize(("first", "then"), [(told_positions, told_loans), (told_loans, told_positions)])
async def test_a_book_stays_of_its_kind(
    pool: asyncpg.Pool, first: Callable[[int], FedBook], then: Callable[[int], FedBook]
) -> None:
    async with pool.acquire() as connection:
        before = await replace_book(connection, first(3), 99)
        with pytest.raises(BookOfAnotherKind, match="under another name"):
            await replace_book(connection, then(4), 99)
        assert await find_book(connection, "oms", 99) == before


async def test_a_book_has_one_mover(pool: asyncpg.Pool) -> None:
    fill = ClientFill(
        fill_id="f",
        book="desk",
        instrument="BTC/USDT",
        side=Side.BUY,
        quantity=Decimal(1),
        price=Decimal(1),
        time_ns=1,
    )
    told = FedBook(name="oms", sequence=1, as_of_ns=1, positions={})
    async with pool.acquire() as connection:
        await record_client_fill(connection, fill, 1)
        await replace_book(connection, told, 1)
        for name in ("desk", "clients"):
            with pytest.raises(BookMovedByFills):
                await replace_book(connection, msgspec.structs.replace(told, name=name, sequence=9), 1)
        with pytest.raises(FillRefused, match="told from outside"):
            await record_client_fill(connection, msgspec.structs.replace(fill, fill_id="g", book="oms"), 1)
