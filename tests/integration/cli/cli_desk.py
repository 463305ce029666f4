"""A command line on real servers, and a folder of resources for it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from confluent_kafka import Producer
from topic_contents import newest_by_key
from typer.testing import CliRunner

from hedgerow.cli.exits import ExitCode
from hedgerow.cli.main import app
from hedgerow.ledger.connection import connect
from hedgerow.schemas.acknowledging import executor_role
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Acknowledgement, StrategyPublished
from hedgerow.schemas.risk_state import Exposure, Mark, RiskState
from hedgerow.schemas.topics import STRATEGIES, STRATEGY_STATUS

EXAMPLES = Path(__file__).parents[3] / "k8s" / "examples"
ROLES = ("router", "risk", "hedging", executor_role("default/paper"))


Result = TypeVar("Result")


class Desk:
    """A folder of resources and a command line, on servers of their own or shared by name."""

    def __init__(self, folder: Path, kafka: str, dsn: str, name: str) -> None:
        self.folder, self.kafka, self.dsn, self.key = folder, kafka, dsn, f"default/{name}"
        self.name = name
        (folder / "venue.yaml").write_text((EXAMPLES / "paper-venue.yaml").read_text())
        self.write(lambda text: text)

    def write(self, edit: Callable[[str], str]) -> None:
        text = (EXAMPLES / "btc-band.yaml").read_text().replace("name: btc-band", f"name: {self.name}")
        (self.folder / "strategy.yaml").write_text(edit(text))

    def call(self, *arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    def ok(self, *arguments: str) -> str:
        code, out, err = self.call(*arguments)
        assert code == ExitCode.OK, out + err
        return out

    def on_topic(self) -> StrategyPublished | None:
        return newest_by_key(self.kafka, STRATEGIES.name, StrategyPublished).get(self.key)

    def send(self, topic: str, key: str, record: Any) -> None:
        producer = Producer({"bootstrap.servers": self.kafka, "partitioner": "murmur2_random"})
        producer.produce(topic, encode(record), key.encode())
        assert producer.flush(10) == 0

    def acknowledge(self, published: StrategyPublished, roles: tuple[str, ...] = ROLES) -> None:
        for role in roles:
            record = Acknowledgement(
                strategy=self.key,
                role=role,
                worker="w-1",
                uid=published.uid,
                generation=published.generation,
                revision=published.revision,
                time_ns=time.time_ns(),
            )
            self.send(STRATEGY_STATUS.name, f"{self.key}/{role}", record)


def on_ledger(desk: Desk, work: Callable[[asyncpg.Connection], Coroutine[Any, Any, Result]]) -> Result:
    async def connected() -> Result:
        connection = await connect(desk.dsn, "test")
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def risk_state(desk: Desk, published: StrategyPublished, delta: str, sequence: int) -> RiskState:
    """Ready and fresh: an unhedged delta in BTC at 60,000."""
    now_ns, price = time.time_ns(), Decimal(60_000)
    return RiskState(
        strategy=desk.key,
        uid=published.uid,
        generation=published.generation,
        revision=published.revision,
        sequence=sequence,
        time_ns=now_ns,
        cause="book:clients:1",
        ready=True,
        problems=(),
        exposures=(
            Exposure(underlying="BTC", delta=Decimal(delta), mark=price, notional=Decimal(delta) * price),
        ),
        marks=(
            Mark(
                instrument="BTC/USDT:USDT",
                bid=Decimal("59999.9"),
                ask=Decimal("60000.1"),
                mid=price,
                time_ns=now_ns,
                sequence=sequence,
                valid=True,
            ),
        ),
    )
