"""The example of a policy on its own Venue, run on a stack where nobody trades but the test."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from faults.rig import Rig

from hedgerow.cli.declared import compile_declared, read_declared
from hedgerow.cli.newest_states import newest_risk_state
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compile import revision_of
from hedgerow.strategy.compiled import CompiledStrategy

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60.0
GROUPS = {
    "exchange": ("exchange",),
    "pipeline": ("ingestion", "enrichment", "router", "risk", "hedging", "executor", "gateway", "books"),
}


@asynccontextmanager
async def running(example: str, kafka: str, ledger_dsn: str, redis: str, folder: Path) -> AsyncIterator[Rig]:
    """The strategy of one file of `k8s/examples/policies`, compiled as `hedgerow apply` does."""
    path = ROOT / "k8s" / "examples" / "policies" / example
    compiled = compile_declared(read_declared(path).declared, {}, [])
    assert compiled.problems == ()
    rig = Rig(
        kafka,
        ledger_dsn,
        folder,
        ROOT / "recordings",
        GROUPS,
        compiled.strategies,
        compiled.declared_venues,
        redis=redis,
    )
    try:
        await rig.start()
        yield rig
    finally:
        await rig.close()


async def sell(rig: Rig, quantity: str) -> bool:
    """A client sells that much BTC to the desk, so the desk is long; not while there is no quote yet."""
    return await asyncio.to_thread(_sell, rig, quantity)


def _sell(rig: Rig, quantity: str) -> bool:
    order = {
        "asset_class": "CRYPTO",
        "symbol": "BTC/USDT",
        "side": "SELL",
        "quantity": quantity,
        "order_type": "MARKET",
        "client_id": "treasury",
    }
    key = (rig.folder / "gateway-keys" / "trader" / "key").read_text().strip()
    request = urllib.request.Request(
        f"{rig.gateway_url}/orders",
        method="POST",
        data=json.dumps(order).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bool(answer.status == 201)
    except urllib.error.HTTPError as refused:
        if refused.code != 409:
            raise
        return False


async def hedge_is(rig: Rig, fraction: str, zone: str = "0") -> bool:
    """Whether that much is sold; up to `zone` less where the no-trade zone lets a little be missing."""
    held = await rig.ledger.fetchval("select coalesce(sum(quantity), 0) from positions")
    missing = Decimal(fraction) + held
    return 0 <= missing <= Decimal(zone)


async def risk_of(rig: Rig) -> RiskState | None:
    return await asyncio.to_thread(newest_risk_state, rig.kafka, rig.strategies[0].key)


async def problem_is(rig: Rig, name: str, code: str) -> bool:
    risk = await risk_of(rig)
    return risk is not None and [(item.input, item.code) for item in risk.problems] == [(name, code)]


def metric(rig: Rig, sample: str) -> float:
    with urllib.request.urlopen(rig.metrics_url("pipeline"), timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(sample)).rpartition(" ")[2])


async def change(rig: Rig, strategy: CompiledStrategy) -> None:
    connection = await rig.ledger.connection()
    rig.publish([await publish_strategy(connection, strategy, revision_of(strategy), time.time_ns())])
