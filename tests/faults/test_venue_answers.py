"""The venue executes orders and does not say so, hides them, refuses, or answers with errors."""

import asyncio

import pytest
from faults.rig import Rig
from faults.scenario import SEED, scenario, size

CREATE = "/v5/order/create"

pytestmark = pytest.mark.timeout(7200)


async def test_replies_that_never_come(rig: Rig) -> None:
    """I1 to I8 while a fifth of the orders is executed without a word."""
    orders = size(full=2_000, short=40)
    async with scenario(rig, "replies dropped", "20 % of 2,000 orders", f"20 % of {orders:,} orders") as run:
        await rig.faults([{"path": CREATE, "kind": "DropReply", "probability": 0.2, "seed": SEED}])
        await run.hedged(orders, deadline_s=60 + orders)
        await rig.faults([])
        await run.recovered("replies that never came")


async def test_replies_late_and_orders_hidden(rig: Rig) -> None:
    """I1 to I8 while replies drop or come late, and the venue shows orders only after some seconds."""
    orders = size(full=500, short=15)
    async with scenario(rig, "replies late, orders hidden 3 s", "500 orders", f"{orders} orders") as run:
        await rig.faults(
            [
                {"path": CREATE, "kind": "DropReply", "probability": 0.5, "seed": SEED},
                {"path": CREATE, "kind": "DelayReply", "ms": 2_000, "probability": 0.3, "seed": SEED + 1},
                {"path": CREATE, "kind": "HideOrder", "ms": 3_000, "probability": 0.5, "seed": SEED + 2},
            ]
        )
        await run.hedged(orders, deadline_s=60 + 3 * orders)
        await rig.faults([])
        await run.recovered("late replies")


async def test_storms_of_errors(rig: Rig) -> None:
    """I1 to I8 while most requests are answered with 429 or 5xx."""
    seconds = size(full=300, short=5)
    async with scenario(rig, "429 and 5xx storms", "300 s", f"{seconds} s") as run:
        await rig.faults(
            [
                {"path": "/v5/", "kind": "TooManyRequests", "probability": 0.4, "seed": SEED},
                {"path": "/v5/", "kind": "ServerError", "probability": 0.3, "seed": SEED + 1},
            ]
        )
        await asyncio.sleep(seconds)
        await rig.faults([])
        await run.recovered("the storm")
