"""Loans, collateral and margins through ccxt's released client, whose loans are implicit calls only."""

import ccxt.async_support as ccxt
import pytest
from exchange_client import PERP, SPOT, Connect, take
from exchange_process import ExchangeProcess


async def test_a_loan_against_coins_is_drawn_seen_and_kept_over_a_restart(
    fresh_exchange: ExchangeProcess, connect: Connect
) -> None:
    exchange = fresh_exchange.start()
    client = connect(exchange)
    ask = (await client.fetch_ticker(SPOT))["ask"]
    order = {"timeInForce": "IOC"}
    await client.create_order(SPOT, "limit", "buy", 0.5, round(ask * 1.01, 2), order)
    had = (await client.fetch_balance())["total"]
    drawn = await client.private_post_v5_crypto_loan_flexible_borrow(
        {
            "loanCurrency": "USDT",
            "loanAmount": "16200",
            "collateralList": [{"currency": "BTC", "amount": "0.4"}],
        }
    )
    assert drawn["result"] == {"orderId": "1"}
    with pytest.raises(ccxt.BadRequest, match="of the collateral"):
        await client.private_post_v5_crypto_loan_flexible_borrow(
            {"loanCurrency": "USDT", "loanAmount": "16200"}
        )
    has = (await client.fetch_balance())["total"]
    assert has["USDT"] - had["USDT"] == pytest.approx(16_200)
    assert had["BTC"] - has["BTC"] == pytest.approx(0.4)
    before = await owed_and_pledged(client)
    assert before == (
        [("USDT", "16200", "0")],
        [("BTC", "0.4")],
    )
    exchange.kill()
    exchange.start()
    client = connect(exchange)
    assert await owed_and_pledged(client) == before
    assert (await client.fetch_balance())["total"] == has
    await client.private_post_v5_crypto_loan_flexible_repay({"loanCurrency": "USDT", "amount": "16200"})
    await client.private_post_v5_crypto_loan_common_adjust_ltv(
        {"currency": "BTC", "amount": "0.4", "direction": "1"}
    )
    assert await owed_and_pledged(client) == ([], [])
    assert (await client.fetch_balance())["total"] == pytest.approx(had)


async def owed_and_pledged(client: ccxt.bybit) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    debts = (await client.private_get_v5_crypto_loan_flexible_ongoing_coin())["result"]["list"]
    position = (await client.private_get_v5_crypto_loan_common_position())["result"]
    return (
        [(row["loanCurrency"], row["unpaidAmount"], row["unpaidInterest"]) for row in debts],
        [(row["currency"], row["amount"]) for row in position["collateralList"]],
    )


async def test_a_position_tells_its_margins_and_where_it_would_be_liquidated(client: ccxt.bybit) -> None:
    await take(client, "margins", "sell")
    (position,) = await client.fetch_positions([PERP])
    notional = position["contracts"] * position["markPrice"]
    assert position["maintenanceMargin"] == pytest.approx(notional * 0.005, rel=1e-3)
    assert position["initialMargin"] == pytest.approx(notional * 0.1, rel=1e-3)
    # Ten million stand behind it.
    assert position["liquidationPrice"] > 1_000 * position["markPrice"]
    await take(client, "margins-closed", "buy")
