"""What no intent explains becomes a strategy's, with who and why, in its chain."""

from decimal import Decimal

import hedge_examples as example
import pytest
from ledger_desk import Desk

from hedgerow.domain.orders import Side
from hedgerow.execution.intents import VenueExecution
from hedgerow.ledger.adoptions import Adopted, AdoptionRefused, adopt_execution, adopt_position
from hedgerow.ledger.chain import verify_chain
from hedgerow.strategy.compiled import Mode

WHY = "adopted by ann from the command line: closed by hand in the incident"


async def _adopt(
    desk: Desk, position: str, price: str = "61000", instrument: str = example.SYMBOL
) -> Adopted:
    async with desk.pool.acquire() as connection:
        return await adopt_position(
            connection, desk.config.key, instrument, Decimal(position), Decimal(price), WHY, desk.now_ns
        )


async def _breaks(desk: Desk) -> list[str]:
    async with desk.pool.acquire() as connection:
        return (await verify_chain(connection, None)).breaks


async def _held(desk: Desk) -> tuple[Decimal, Decimal]:
    async with desk.pool.acquire() as connection:
        row = await connection.fetchrow("select quantity, entry_price from positions")
    assert row is not None
    return row["quantity"], row["entry_price"]


async def test_what_a_person_traded_becomes_the_strategys_at_the_price_that_was_told(desk: Desk) -> None:
    version = await desk.value("select version from strategies")
    done = await _adopt(desk, "-1.25")
    assert (done.side, done.quantity, done.position) == (Side.SELL, Decimal("1.25"), Decimal("-1.25"))
    assert await _held(desk) == (Decimal("-1.25"), Decimal(61_000))
    back = await _adopt(desk, "-0.25", "60000")
    assert (back.side, back.quantity) == (Side.BUY, 1)
    assert await desk.value("select realised_pnl from positions") == 1_000
    assert await desk.value("select version from strategies") == version + 2
    assert await _breaks(desk) == []
    assert (await desk.snapshot()).positions[0].quantity == Decimal("-0.25")


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("update adoptions set quantity = 9", "adoption 1 differs from the chain"),
        ("update adoptions set reason = 'nobody'", "adoption 1 differs from the chain"),
        ("delete from adoptions", "adoption 1 differs from the chain, or is gone"),
        (
            "insert into adoptions (strategy_uid, mode, venue, account, instrument, side, quantity, price, fee, "
            "reason, time_ns) select strategy_uid, mode, venue, account, instrument, side, 5, price, fee, reason, "
            "time_ns from adoptions",
            "adoption 2 is not in the chain",
        ),
    ],
)
async def test_tampering_with_an_adoption_breaks_the_chain(desk: Desk, statement: str, what: str) -> None:
    await _adopt(desk, "-1.25")
    await desk.execute(statement)
    (found,) = await _breaks(desk)
    assert what in found


async def test_what_cannot_be_adopted_is_refused_and_changes_nothing(desk: Desk) -> None:
    await _adopt(desk, "-1.25")
    before = await desk.everything()
    for position, price, instrument, words in (
        ("-1.25", "61000", example.SYMBOL, "already holds -1.25"),
        ("-1.2505", "61000", example.SYMBOL, "a multiple of the lot 0.001"),
        ("-1", "0", example.SYMBOL, "a positive price"),
        (
            "-1",
            "61000",
            "ETH/USDT:USDT",
            "has no legs in ETH/USDT:USDT; it hedges with BTC/USDT:USDT on desk/paper",
        ),
    ):
        with pytest.raises(AdoptionRefused, match=words):
            await _adopt(desk, position, price, instrument)
    assert await desk.everything() == before
    number = await desk.decide("-3")
    with pytest.raises(AdoptionRefused, match=f"intent {number} is open"):
        await _adopt(desk, "-1")


async def test_a_strategy_in_shadow_holds_nothing_that_could_be_adopted(desk: Desk) -> None:
    await desk.open(example.strategy(mode=Mode.SHADOW), revision="shadow")
    with pytest.raises(AdoptionRefused, match="is in mode Shadow"):
        await _adopt(desk, "-1")


async def test_a_lost_execution_is_taken_in_once_and_a_known_one_never(desk: Desk) -> None:
    sent = await desk.send("1.4")
    lost = VenueExecution(
        client_order_id="hr-00000000-7", side=Side.SELL, fill=example.fill("x7", "0.4", "60500")
    )
    known = VenueExecution(
        client_order_id=str(sent.client_order_id), side=Side.SELL, fill=example.fill("x1", "0.4")
    )
    async with desk.pool.acquire() as connection:

        async def adopt(execution: VenueExecution, instrument: str = example.SYMBOL) -> Adopted | None:
            return await adopt_execution(
                connection, example.VENUE, example.ACCOUNT, instrument, execution, desk.now_ns
            )

        assert await adopt(known) is None
        assert await adopt(lost, "ETH/USDT:USDT") is None
        done = await adopt(lost)
        assert done is not None
        assert done.position == Decimal("-0.4")
        assert await adopt(lost) is None
    assert await _held(desk) == (Decimal("-0.4"), Decimal(60_500))
    assert await desk.value("select fees from positions") == Decimal("0.1")
    assert await _breaks(desk) == []
