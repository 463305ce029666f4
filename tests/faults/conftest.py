from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from faults.rig import COOLDOWNS_NS, FLEET, GROUPS, Rig, venue_of
from faults.servers import Servers, running

ROOT = Path(__file__).resolve().parents[2]
# Whose ways to Kafka, Postgres and the exchange lead through doors.
BEHIND_DOORS = ("states", "hedging", "executor")


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with running(tmp_path_factory.mktemp("servers"), BEHIND_DOORS) as found:
        yield found


@pytest.fixture(scope="package")
async def rig(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """The whole pipeline; scenarios hurt it one after the other and leave it at work."""
    groups = {**GROUPS, "states": (*GROUPS["states"], "cache")}
    made = Rig(
        servers.kafka.bootstrap,
        servers.ledger_dsn,
        tmp_path_factory.mktemp("rig"),
        ROOT / "recordings",
        groups,
        FLEET,
        [venue_of(account) for account in COOLDOWNS_NS],
        doors=servers.doors,
        redis=servers.redis.addresses,
    )
    try:
        await made.start()
        yield made
    finally:
        await made.close()
