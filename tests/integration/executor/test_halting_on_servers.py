"""I3 on real servers: after a halt nothing is sent and what is open is cancelled, with Kafka down and with the ledger
down. Times are printed and never judged."""

import asyncio
import time

import aiohttp
from ledger_outage import ledger_away
from trading_desk import TradingDesk, until

from hedgerow.domain.orders import Side
from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.halts import HaltTarget, standing_halts


async def _orders_flow(desk: TradingDesk) -> None:
    before = len(await desk.sent())

    async def more() -> bool:
        return len(await desk.sent()) >= before + 10

    await until(more, "orders flow")


async def _halted_ns(desk: TradingDesk) -> int:
    """When the newest standing halt was asked for."""
    async with desk.pool.acquire() as connection:
        return (await standing_halts(connection))[-1].created_ns


async def _settled(desk: TradingDesk) -> dict[int, int]:
    """What was sent once nothing is open any more."""

    async def quiet() -> bool:
        async with desk.pool.acquire() as connection:
            return not await connection.fetchval(
                "select count(*) from intents where state in ('Decided', 'Sending', 'Accepted', 'PartiallyFilled', "
                "'Unknown')"
            )

    await until(quiet, "everything is concluded")
    return await desk.sent()


def _tell(how: str, began_ns: int, halted_ns: int, sent: dict[int, int], cancelled_s: float | None) -> None:
    last_ns = max(sent.values())
    print(
        f"\nhalt {how}: last order claimed {(last_ns - began_ns) / 1e6:+.0f} ms after the call began, "
        f"{(last_ns - halted_ns) / 1e6:+.0f} ms after the halt was asked of the ledger"
        + (
            ""
            if cancelled_s is None
            else f"; the open order was gone {cancelled_s:.2f} s after the call returned"
        )
    )


async def test_a_halt_of_the_command_line_and_of_rest_stops_and_cancels_without_kafka_and_outlives_a_restart(
    desk: TradingDesk,
) -> None:
    resting = await desk.rest()
    await desk.start(desk.executor)
    stop = asyncio.Event()
    trading = asyncio.create_task(desk.trade(stop))
    await _orders_flow(desk)

    async def accepted() -> bool:
        return await desk.state(resting.id) is IntentState.ACCEPTED

    await until(accepted, "the resting order is followed")
    began_ns = time.time_ns()
    done = await desk.command("halt", "--all", "--reason", "drill")
    assert done.returncode == 0, done.stderr
    at_return = await desk.sent()

    async def cancelled() -> bool:
        return not await desk.resting()

    cancelled_s = await until(cancelled, "the resting order is cancelled")
    after = await _settled(desk)
    assert after == at_return, "an order was claimed after the halt had returned"
    assert await desk.state(resting.id) is IntentState.CANCELLED
    _tell("by the command line", began_ns, await _halted_ns(desk), after, cancelled_s)

    desk.executor.kill()
    await desk.start(desk.executor)
    assert await desk.decide("btc", Side.BUY, "0.001") is None
    assert await desk.sent() == after

    assert (await desk.command("release", "--all")).returncode == 0
    await _orders_flow(desk)
    await desk.start(desk.gateway)
    trader, risk = _bearer(desk.gateway_key("trader")), _bearer(desk.gateway_key("risk"))
    async with aiohttp.ClientSession(desk.gateway_url) as session:

        async def opened() -> bool:
            try:
                async with session.get("/halts", headers=trader) as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await until(opened, "the gateway answers")
        began_ns = time.time_ns()
        body = {"target": {"kind": "Venue", "name": "desk/paper"}, "reason": "drill"}
        async with session.post("/halts", json=body, headers=trader) as answer:
            assert answer.status == 201, await answer.text()
            number = (await answer.json())["id"]
        at_return = await desk.sent()
        assert await _settled(desk) == at_return
        _tell("by REST", began_ns, await _halted_ns(desk), at_return, None)
        for who, status in ((trader, 403), (risk, 200)):
            async with session.delete(f"/halts/{number}", headers=who) as answer:
                assert answer.status == status, await answer.text()
    await _orders_flow(desk)
    stop.set()
    await trading


async def test_without_its_ledger_the_executor_sends_nothing_says_so_and_takes_back_what_is_open(
    desk: TradingDesk, postgres: str
) -> None:
    resting = await desk.rest()
    await desk.start(desk.executor)

    async def accepted() -> bool:
        return await desk.state(resting.id) is IntentState.ACCEPTED

    await until(accepted, "the resting order is followed")
    before = await desk.sent()
    async with ledger_away(postgres, desk.dsn):

        async def told() -> bool:
            return (
                "executor.ledger" in await desk.ready()
                and await desk.metric("hedgerow_executor_ledger_up") == 0
            )

        await until(told, "the executor says that its ledger is away")
        assert desk.executor.logged("ledger away: nothing is sent")

        async def cancelled() -> bool:
            return not await desk.resting()

        print(
            f"\nledger away: open order gone {await until(cancelled, 'it is cancelled'):.2f} s after it was told"
        )

    async def concluded() -> bool:
        return await desk.state(resting.id) is IntentState.CANCELLED

    await until(concluded, "the ledger learns of the cancel when it is back")
    assert await desk.sent() == before


async def test_a_direct_halt_cancels_without_a_ledger_and_is_written_once_it_is_back(
    desk: TradingDesk, postgres: str
) -> None:
    await desk.rest()
    file = str(desk.folder / "venue.yaml")
    async with ledger_away(postgres, desk.dsn):
        halting = asyncio.create_task(
            desk.command("halt", "--all", "--reason", "no ledger", "--direct", "--file", file)
        )

        async def cancelled() -> bool:
            return not await desk.resting()

        await until(cancelled, "the resting order is cancelled")
        assert not halting.done()
    done = await halting
    assert done.returncode == 0, done.stderr
    assert f"Venue desk/paper account {desk.account}: 1 orders cancelled" in done.stdout
    async with desk.pool.acquire() as connection:
        (halt,) = await standing_halts(connection)
    assert (halt.target, halt.source, halt.reason) == (HaltTarget(kind="All"), "cli", "no ledger")


async def test_a_direct_halt_that_cannot_cancel_says_so_and_touches_nothing(desk: TradingDesk) -> None:
    await desk.rest()
    file = str(desk.folder / "venue.yaml")
    for arguments, words in (
        (("--strategy", "btc", "--file", file), "--direct cancels by account"),
        (("--all",), "--direct needs --file"),
        (("--venue", "other", "--file", file), "declares no such Venue; it declares: desk/paper"),
        (
            ("--all", "--file", file, "--keys", str(desk.folder / "none")),
            "the trade key of desk/paper is not in",
        ),
    ):
        done = await desk.command("halt", "--direct", "--reason", "x", *arguments)
        assert done.returncode in (1, 2), done.stdout
        assert words in done.stderr
    assert len(await desk.resting()) == 1
    async with desk.pool.acquire() as connection:
        assert await standing_halts(connection) == []


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
