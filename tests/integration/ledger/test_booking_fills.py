import asyncio
import random
from decimal import Decimal

import asyncpg
import msgspec
import pytest

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, signed
from hedgerow.domain.positions import Entry, Position, apply_fill
from hedgerow.ledger.books import ClientFill, FillRefused, read_books, record_client_fill
from hedgerow.schemas.records import ClientBook

BASE = ClientFill(
    fill_id="f-1",
    book="clients",
    instrument="BTC/USDT",
    side=Side.BUY,
    quantity=Decimal("0.5"),
    price=Decimal("60000.01"),
    time_ns=5,
)


def _fill(**changes: object) -> ClientFill:
    return msgspec.structs.replace(BASE, **changes)


async def _record(pool: asyncpg.Pool, fill: ClientFill, now_ns: int = 10) -> ClientBook:
    async with pool.acquire() as connection:
        return await record_client_fill(connection, fill, now_ns)


async def _books(pool: asyncpg.Pool, now_ns: int = 99) -> list[ClientBook]:
    async with pool.acquire() as connection:
        return await read_books(connection, now_ns)


async def test_each_fill_moves_its_book_and_raises_its_sequence(pool: asyncpg.Pool) -> None:
    first = await _record(pool, _fill())
    assert (first.sequence, first.positions, first.as_of_ns) == (1, {"BTC/USDT": Decimal("0.5")}, 10)
    second = await _record(pool, _fill(fill_id="f-2", side=Side.SELL, quantity=Decimal("0.7")), 20)
    assert (second.sequence, second.positions, second.as_of_ns) == (2, {"BTC/USDT": Decimal("-0.2")}, 20)
    third = await _record(pool, _fill(fill_id="f-3", instrument="BTC/USDT:USDT"), 30)
    assert third.positions == {"BTC/USDT": Decimal("-0.2"), "BTC/USDT:USDT": Decimal("0.5")}
    assert await _books(pool) == [msgspec.structs.replace(third, published_ns=99)]


async def test_a_position_s_entry_goes_as_its_fills_say(pool: asyncpg.Pool) -> None:
    twin, since_ns = Position(), 0
    dice = random.Random(11)
    for number in range(40):
        fill = _fill(
            fill_id=f"f-{number}",
            side=dice.choice(list(Side)),
            quantity=Decimal(dice.randrange(1, 4)),
            price=Decimal(dice.randrange(59_000, 61_000)),
            time_ns=number,
        )
        book = await _record(pool, fill)
        before = twin.quantity
        twin = apply_fill(twin, fill.side, fill.quantity, fill.price, ZERO, Decimal(1))
        if before * twin.quantity <= 0:
            since_ns = number
        if twin.quantity == 0:
            assert book.entries == {}
            continue
        entry = book.entries["BTC/USDT"]
        assert abs(entry.price - twin.entry_price) < Decimal("1e-9")
        assert entry.since_ns == since_ns


async def test_an_entry_that_is_not_known_stays_so_until_the_position_was_flat(pool: asyncpg.Pool) -> None:
    await _record(pool, _fill())
    await pool.execute("update book_positions set entry_price = null, since_ns = null")
    assert (await _record(pool, _fill(fill_id="f-2"))).entries == {}
    assert (await _record(pool, _fill(fill_id="f-3", side=Side.SELL))).entries == {}
    assert (await _record(pool, _fill(fill_id="f-4", side=Side.SELL))).entries == {}
    assert (await _record(pool, _fill(fill_id="f-5"))).entries == {
        "BTC/USDT": Entry(price=Decimal("60000.01"), since_ns=5)
    }


async def test_a_fill_that_is_booked_already_changes_nothing(pool: asyncpg.Pool) -> None:
    booked = await _record(pool, _fill())
    again = await _record(pool, _fill(quantity=Decimal("0.500"), time_ns=6), 70)
    assert again == msgspec.structs.replace(booked, published_ns=70)


@pytest.mark.parametrize("seed", range(3))
async def test_senders_at_once_that_repeat_themselves_book_each_fill_once(
    pool: asyncpg.Pool, seed: int
) -> None:
    dice = random.Random(seed)
    fills = [
        _fill(
            fill_id=f"f-{number}",
            book=dice.choice(["clients", "desk"]),
            side=dice.choice(list(Side)),
            quantity=Decimal(dice.randrange(1, 10**6)) / 10**5,
        )
        for number in range(20)
    ]
    told = [*fills, *dice.choices(fills, k=40)]
    dice.shuffle(told)
    answers = await asyncio.gather(*(_record(pool, fill) for fill in told))
    for book in await _books(pool):
        mine = [fill for fill in fills if fill.book == book.name]
        assert book.positions["BTC/USDT"] == sum((signed(fill.side, fill.quantity) for fill in mine), ZERO)
        assert book.sequence == len(mine)
        seen = {answer.sequence: answer.positions for answer in answers if answer.name == book.name}
        assert set(seen) <= set(range(1, len(mine) + 1))
        assert all(
            answer.positions == seen[answer.sequence] for answer in answers if answer.name == book.name
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instrument": "DOGE/USDT"}, "instrument: unknown instrument 'DOGE/USDT'; listed are"),
        ({"quantity": Decimal(0)}, "quantity 0 should be a number from"),
        ({"quantity": Decimal("-0.5")}, "quantity -0.5 should be"),
        ({"quantity": Decimal("NaN")}, "quantity NaN should be"),
        ({"quantity": Decimal("Infinity")}, "quantity Infinity should be"),
        ({"quantity": Decimal("1e40")}, r"quantity 1E\+40 should be"),
        ({"quantity": Decimal("0.000005")}, "quantity 0.000005 is no multiple of BTC/USDT's lot 0.00001"),
        ({"price": Decimal(0)}, "price 0 should be"),
        ({"price": Decimal(-1)}, "price -1 should be"),
        ({"price": Decimal("NaN")}, "price NaN should be"),
        ({"price": Decimal("1e-400000")}, "price 1E-400000 should be"),
    ],
)
async def test_what_cannot_be_booked_is_refused_with_its_field_and_changes_nothing(
    pool: asyncpg.Pool, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(FillRefused, match=f"^fill f-1: {words}"):
        await _record(pool, _fill(**changes))
    assert await _books(pool) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"book": "other"},
        {"instrument": "BTC/USDT:USDT"},
        {"side": Side.SELL},
        {"quantity": Decimal("0.6")},
        {"price": Decimal("60000.02")},
    ],
)
async def test_an_id_that_was_used_for_another_fill_is_refused_and_changes_nothing(
    pool: asyncpg.Pool, changes: dict[str, object]
) -> None:
    await _record(pool, _fill())
    before = await _books(pool)
    with pytest.raises(
        FillRefused, match=r"fill f-1: this id was booked before for another fill: Buy 0\.5 BTC/USDT"
    ):
        await _record(pool, _fill(**changes))
    assert await _books(pool) == before
