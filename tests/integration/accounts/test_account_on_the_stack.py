"""The example of an account, applied and run: real Kafka, ledger, exchange and workers; ccxt is the treasury."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal as D
from pathlib import Path

import ccxt.async_support as ccxt
import msgspec
import pytest
from faults.rig import Rig
from faults.servers import PARTITIONS

from hedgerow.cli.declared import compile_declared, read_declared
from hedgerow.cli.newest_states import newest_accounts, newest_risk_state
from hedgerow.ledger.strategies import hedged_instruments
from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import AccountState
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import RISK_STATE
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.partitioning import partition_of

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "k8s" / "examples" / "accounts" / "treasury-account.yaml"
PATIENCE_S = 60.0
SPOT = "BTC/USDT"
GROUPS = {
    "exchange": ("exchange",),
    "pipeline": ("ingestion", "accounts", "enrichment", "router", "risk", "hedging", "executor"),
}


@pytest.fixture
async def rig(own_kafka: str, ledger_dsn: str, tmp_path: Path) -> AsyncIterator[Rig]:
    """The example's strategy on its own Venue; its account may be eight seconds old, so that the test is short."""
    compiled = compile_declared(read_declared(EXAMPLE).declared, {}, [])
    assert compiled.problems == ()
    (strategy,) = compiled.strategies
    freshness = msgspec.structs.replace(strategy.freshness, account_ns=8_000_000_000)
    made = Rig(
        own_kafka,
        ledger_dsn,
        tmp_path / "rig",
        ROOT / "recordings",
        GROUPS,
        [msgspec.structs.replace(strategy, freshness=freshness)],
        compiled.declared_venues,
    )
    try:
        await made.start()
        yield made
    finally:
        await made.close()


async def test_what_the_treasury_borrows_against_is_hedged_once_and_a_dead_venue_stops_it(rig: Rig) -> None:
    await rig.until(lambda: exposure_is(rig, D(0)), "an account without coins has no delta", PATIENCE_S)
    bought = await borrow(rig)
    await rig.until(lambda: exposure_is(rig, bought), "wallet and collateral count", PATIENCE_S)
    await rig.until(lambda: is_inside(rig, bought), "the net delta is back in the band", PATIENCE_S)
    hedge = await hedged(rig)
    assert -bought < hedge < 0

    # The account shows the hedge, and it is not counted again: none of it is bought back. (A dearer bitcoin may ask for
    # more of it.)
    await rig.until(lambda: shows_the_hedge(rig), "the account shows the hedge", PATIENCE_S)
    shown = (await account(rig)).sequence
    await rig.until(lambda: heard_of(rig, shown, bought), "risk has heard of it", PATIENCE_S)
    assert -bought < await hedged(rig) <= hedge

    venue = rig.venues[0].key
    told = await hedged_instruments(await rig.ledger.connection(), [venue, "default/other"])
    assert told == {venue: ("BTC/USDT:USDT",)}

    await rig.stop_worker("exchange")
    await rig.until(
        lambda: problem_is(rig, "account:default/paper-treasury", "Stale"),
        "its account grows old",
        PATIENCE_S,
    )
    rig.restart("exchange")
    await rig.until(lambda: exposure_is(rig, bought), "it is ready again, with what it had", PATIENCE_S)
    assert -bought < await hedged(rig) <= hedge


async def borrow(rig: Rig) -> D:
    """Buy half a bitcoin and pledge most of it for tethers; how much bitcoin the account then has in both places."""
    keys = rig.folder / "keys" / "hedge-03"
    client = ccxt.bybit(
        {name: (keys / name).read_text() for name in ("apiKey", "secret")} | {"enableRateLimit": False}
    )
    client.urls["api"] = dict.fromkeys(client.urls["api"], rig.exchange_url)
    try:
        ask = (await client.fetch_ticker(SPOT))["ask"]
        await client.create_order(SPOT, "limit", "buy", 0.5, round(ask * 1.02, 2), {"timeInForce": "IOC"})
        pledged = [{"currency": "BTC", "amount": "0.4"}]
        loan = {"loanCurrency": "USDT", "loanAmount": "10000", "collateralList": pledged}
        await client.private_post_v5_crypto_loan_flexible_borrow(loan)
        (row,) = (
            await client.private_get_v5_account_wallet_balance({"accountType": "UNIFIED", "coin": "BTC"})
        )["result"]["list"]
    finally:
        await client.close()
    return D(row["coin"][0]["walletBalance"]) + D("0.4")


async def risk_of(rig: Rig) -> RiskState | None:
    return await asyncio.to_thread(newest_risk_state, rig.kafka, rig.strategies[0].key)


async def account(rig: Rig) -> AccountState:
    (found,) = await asyncio.to_thread(newest_accounts, rig.kafka, [rig.venues[0].key])
    return found


async def exposure_is(rig: Rig, delta: D) -> bool:
    risk = await risk_of(rig)
    return risk is not None and risk.ready and [item.delta for item in risk.exposures] == [delta]


async def problem_is(rig: Rig, name: str, code: str) -> bool:
    risk = await risk_of(rig)
    return risk is not None and [(item.input, item.code) for item in risk.problems] == [(name, code)]


async def hedged(rig: Rig) -> D:
    return D(await rig.ledger.fetchval("select coalesce(sum(quantity), 0) from positions"))


async def is_inside(rig: Rig, unhedged: D) -> bool:
    risk = await risk_of(rig)
    assert risk is not None
    held = await hedged(rig)
    return any(abs((unhedged + held) * exposure.mark) <= 1_000 for exposure in risk.exposures)


async def shows_the_hedge(rig: Rig) -> bool:
    return [position.quantity for position in (await account(rig)).positions] == [await hedged(rig)]


async def heard_of(rig: Rig, sequence: int, delta: D) -> bool:
    """Whether a state of the account at least as new has come to risk, which found this exposure then. Whatever came
    to risk after it is looked past."""
    at = (RISK_STATE.name, partition_of(rig.strategies[0].key, PARTITIONS))
    decoder: Decoder[RiskState] = Decoder(RiskState)
    async with LogReader(rig.kafka, at) as log:
        said = [decoder.decode(item.value) async for item in log.read(await log.first(), await log.end())]
    for risk in said:
        name, _, number = risk.cause.rpartition(":")
        if name == f"account:{rig.venues[0].key}" and int(number) >= sequence:
            assert [item.delta for item in risk.exposures] in ([], [delta])
            if risk.exposures:
                return True
    return False
