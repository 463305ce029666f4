"""Networks fail between a worker and its servers, in one direction, both, or without either end being told."""

import asyncio
from collections.abc import Callable

import pytest

from faults.rig import Rig
from faults.scenario import chosen, scenario, size
from faults.tcp_proxy import Direction, TcpProxy

pytestmark = pytest.mark.timeout(7200)
OUTAGE_DEADLINE_S = 120.0

Fault = Callable[[TcpProxy], None]
FAULTS: dict[str, Fault] = {
    "cut": TcpProxy.cut,
    "nothing gets there": lambda door: door.hold(Direction.TO_SERVER),
    "nothing comes back": lambda door: door.hold(Direction.FROM_SERVER),
    "neither way": lambda door: door.hold(*Direction),
    "half open": TcpProxy.half_open,
    "300 ms late": lambda door: door.delay(0.3),
}


PARTITIONS = [
    ("executor", "ledger", "nothing comes back"),
    ("hedging", "kafka", "cut"),
    ("hedging", "ledger", "half open"),
    ("executor", "kafka", "neither way"),
    ("states", "kafka", "nothing gets there"),
    ("executor", "venue", "300 ms late"),
]


@pytest.mark.parametrize(
    "fault", chosen(["nothing gets there", "nothing comes back", "neither way"], ["neither way"])
)
async def test_venue_partitioned(rig: Rig, fault: str) -> None:
    """I1 to I8 after the executor and the venue lost each other; what arrives late is refused by its age."""
    seconds = size(full=600, short=6)
    name = f"executor and venue: {fault}"
    async with scenario(rig, name, "600 s", f"{seconds} s", supervised=True) as run:
        FAULTS[fault](rig.doors["executor"].venue)
        await asyncio.sleep(seconds)
        rig.doors["executor"].venue.heal()
        await run.recovered("the partition", OUTAGE_DEADLINE_S)


@pytest.mark.parametrize(
    ("worker", "server", "fault"),
    chosen(PARTITIONS, PARTITIONS[:2]),
)
async def test_worker_and_server_partitioned(rig: Rig, worker: str, server: str, fault: str) -> None:
    """I1 to I8 after a worker lost Kafka, the ledger or, for its patience, the venue."""
    seconds = size(full=60, short=4)
    name = f"{worker} and {server}: {fault}"
    door: TcpProxy = getattr(rig.doors[worker], server)
    async with scenario(rig, name, "60 s", f"{seconds} s", supervised=True) as run:
        FAULTS[fault](door)
        await asyncio.sleep(seconds)
        door.heal()
        await run.recovered("the partition", OUTAGE_DEADLINE_S)
