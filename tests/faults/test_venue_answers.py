"""The venue executes orders and does not say so, hides them, refuses, or answers with errors."""

import asyncio

import pytest

from faults.rig import RECOVERY_DEADLINE_S, Rig
from faults.scenario import SEED, chosen, scenario, size

CREATE = "/v5/order/create"
# Later than the executor would believe that an order does not exist: window, clock slack and visibility delay are 10 s.
ABSENCE_FINAL_S = 13

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


async def test_orders_shown_a_minute_late(rig: Rig) -> None:
    """An order that was executed and is shown later than its absence would be final is neither doubled nor lost."""
    seconds = max(size(full=60, short=ABSENCE_FINAL_S), ABSENCE_FINAL_S)
    name = "orders visible late, replies dropped"
    async with scenario(rig, name, "60 s", f"{seconds} s") as run:
        run.settle_deadline_s += seconds
        hidden = {"path": CREATE, "kind": "HideOrder", "ms": 1_000 * seconds, "count": 1}
        dropped = {"path": CREATE, "kind": "DropReply", "count": 1}
        await rig.faults(
            [{**rule, "account": venue.account} for venue in rig.venues for rule in (hidden, dropped)]
        )
        await rig.until(rig.is_every_leg_blocked, "every account has an unknown order", RECOVERY_DEADLINE_S)
        await run.recovered("the hiding", seconds + RECOVERY_DEADLINE_S)


@pytest.mark.parametrize("offset_s", chosen([5, -5, 3_600, -3_600], [-5]))
async def test_the_venues_clock_is_wrong(rig: Rig, offset_s: int) -> None:
    """I1 to I8 after the venue's clock went wrong: it refuses by its window what it is sent."""
    seconds = size(full=60, short=3)
    async with scenario(rig, f"clock of the venue {offset_s:+d} s", "60 s", f"{seconds} s") as run:
        await rig.faults([{"kind": "ClockSkew", "ms": 1_000 * offset_s}])
        await asyncio.sleep(seconds)
        await rig.faults([])
        await run.recovered("the venue's clock was set right", 2 * RECOVERY_DEADLINE_S)


async def test_storms_of_errors(rig: Rig) -> None:
    """I1 to I8 while most requests meet 429 or 5xx, some of them executed, and orders fill in part."""
    seconds = size(full=300, short=5)
    async with scenario(rig, "429 and 5xx storms", "300 s", f"{seconds} s") as run:
        await rig.faults(
            [
                {"path": "/v5/", "kind": "TooManyRequests", "probability": 0.4, "seed": SEED},
                {"path": "/v5/", "kind": "ServerError", "probability": 0.3, "seed": SEED + 1},
                {"path": CREATE, "kind": "ErrorReply", "probability": 0.3, "seed": SEED + 2},
                {"path": CREATE, "kind": "BreakReply", "probability": 0.3, "seed": SEED + 3},
                {"path": CREATE, "kind": "PartialFill", "probability": 0.3, "seed": SEED + 4},
            ]
        )
        await asyncio.sleep(seconds)
        await rig.faults([])
        await run.recovered("the storm")
