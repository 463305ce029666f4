"""The example of an LTV ladder, applied and run while the market falls by 30 % and comes back: real Kafka, ledger,
exchange and workers."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faults.rig import Rig

from hedgerow.adapters.synthetic.models import UNDERLYINGS
from hedgerow.cli.declared import compile_declared, read_declared
from hedgerow.cli.newest_states import newest_risk_state
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import CompiledStrategy

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "k8s" / "examples" / "policies" / "btc-treasury.yaml"
PATIENCE_S = 120.0
GROUPS = {
    "exchange": ("exchange",),
    "pipeline": ("ingestion", "enrichment", "router", "risk", "hedging", "executor", "gateway", "books"),
}
# A lap of the crash in half a minute: calm, a slide to -30 %, and back to where it began.
CRASH = {"HEDGEROW_FEED": "Synthetic", "HEDGEROW_SCENARIO": "crash", "HEDGEROW_REPLAY_SPEED": "2"}
HELD = Decimal("0.4")
# What the example's noTradeNotional of 500 lets be missing at the lowest price.
ZONE = Decimal("0.012")
# 0.635 in the calm is Normal; 30 % lower it is 0.907.
LTV = Decimal("0.635")


class Teller:
    """Tells the treasury's books again and again, with the time of each telling: they are as fresh as their teller."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        price = Decimal(str(UNDERLYINGS["BTC"].start))
        self.debt = (HELD * price * Decimal("0.95") * LTV).quantize(Decimal("0.01"))

    async def run(self) -> None:
        while True:
            await asyncio.to_thread(self._tell)
            await asyncio.sleep(1.0)

    def _tell(self) -> None:
        now = datetime.now(UTC).isoformat()
        loan = {
            "id": "loan-7",
            "asset": "USDT",
            "principal": str(self.debt),
            "interest": "0",
            "annual_rate": "0.06",
            "since": "2026-01-01T00:00:00Z",
        }
        self._put("treasury", {"sequence": 1, "as_of": now, "positions": {"BTC/USDT": str(HELD)}})
        self._put("loans", {"sequence": 1, "as_of": now, "loans": [loan]})

    def _put(self, book: str, body: dict[str, Any]) -> None:
        key = (self._rig.folder / "gateway-keys" / "trader" / "key").read_text().strip()
        request = urllib.request.Request(
            f"{self._rig.gateway_url}/books/{book}",
            method="PUT",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200


@pytest.fixture
async def rig(own_kafka: str, ledger_dsn: str, tmp_path: Path) -> AsyncIterator[Rig]:
    """The example's strategy on its own Venue; its stays are shorter, as the crash is."""
    compiled = compile_declared(read_declared(EXAMPLE).declared, {}, [])
    assert compiled.problems == ()
    made = Rig(
        own_kafka,
        ledger_dsn,
        tmp_path / "rig",
        ROOT / "recordings",
        GROUPS,
        [hasty(strategy) for strategy in compiled.strategies],
        compiled.declared_venues,
        environment=CRASH,
    )
    try:
        await made.start()
        yield made
    finally:
        await made.close()


def hasty(strategy: CompiledStrategy) -> CompiledStrategy:
    assert strategy.loan_to_value is not None
    ladder = msgspec.structs.replace(strategy.loan_to_value, min_dwell_ns=400_000_000)
    return msgspec.structs.replace(strategy, loan_to_value=ladder)


async def test_the_ladder_climbs_with_the_crash_and_comes_back_with_the_market(rig: Rig) -> None:
    telling = asyncio.create_task(Teller(rig).run())
    try:
        await rig.until(lambda: climbed_and_came_back(rig), "it climbs and comes back", PATIENCE_S)
        await rig.until(lambda: was_hedged_whole(rig), "all of it was hedged at the worst", PATIENCE_S)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
    risk = await asyncio.to_thread(newest_risk_state, rig.kafka, rig.strategies[0].key)
    assert risk is not None
    assert risk.loan is not None
    # Interest accrues from each telling on, so it never grows beyond some seconds' worth.
    assert 0 <= sum(debt.interest for debt in risk.loan.debts) < Decimal("0.01")
    await every_decision_replays(rig)


async def decisions(rig: Rig) -> list[Any]:
    connection = await rig.ledger.connection()
    found: list[Any] = await connection.fetch(
        "select risk_state, snapshot, decision from decisions order by id"
    )
    return found


async def states(rig: Rig) -> list[str]:
    """Where the ladder stood, each transition once."""
    seen: list[str] = []
    for row in await decisions(rig):
        ladder = msgspec.json.decode(row["decision"], type=Hedge).policy_state.ladder
        if ladder is not None and seen[-1:] != [ladder.state.value]:
            seen.append(ladder.state.value)
    return seen


async def climbed_and_came_back(rig: Rig) -> bool:
    seen = await states(rig)
    if "Critical" not in seen:
        return False
    fallen = seen[seen.index("Critical") :]
    return fallen[:4] == ["Critical", "Danger", "Caution", "Normal"]


async def was_hedged_whole(rig: Rig) -> bool:
    """Whether the hedge was ever all of what is held but for the zone, by what its decisions saw; never more."""
    held = [
        position.quantity
        for row in await decisions(rig)
        for position in msgspec.json.decode(row["snapshot"], type=LedgerSnapshot).positions
    ]
    assert all(-HELD <= item <= 0 for item in held)
    return min(held, default=Decimal(0)) <= ZONE - HELD


async def every_decision_replays(rig: Rig) -> None:
    rows = await decisions(rig)
    assert rows
    for row in rows:
        risk = msgspec.json.decode(row["risk_state"], type=RiskState)
        ledger = msgspec.json.decode(row["snapshot"], type=LedgerSnapshot)
        assert msgspec.json.encode(decide(risk, ledger)) == bytes(row["decision"])
