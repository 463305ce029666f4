"""What a worker hands to a role, with a producer and conditions that only remember."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import prometheus_client

from hedgerow.schemas.codec import Decoder
from hedgerow.streams.context import Context, Producer
from hedgerow.streams.settings import Settings

RECORDINGS = Path(__file__).parent.parent / "recordings"


class Sent(NamedTuple):
    topic: str
    key: str
    record: Any
    headers: Mapping[str, bytes]


class RememberingProducer:
    """Keeps what is sent, decoded; whatever is no `record_type` fails the sender."""

    def __init__(self, record_type: Any) -> None:
        self._decoder = Decoder[Any](record_type)
        self.sent: list[Sent] = []

    def send(self, topic: str, key: str, value: bytes | None, headers: Mapping[str, bytes]) -> None:
        self.sent.append(Sent(topic, key, self._decoder.decode(value), headers))

    def flush(self, timeout_s: float) -> None:
        """Nothing is kept back."""


class NoProducer:
    """For a role that must not send."""

    def send(self, topic: str, *_: Any) -> None:
        raise AssertionError(f"a message to {topic} from a role that sends none")

    def flush(self, timeout_s: float) -> None:
        """Nothing is kept back."""


class RememberingReadiness:
    def __init__(self) -> None:
        self.history: list[tuple[str, bool, str]] = []

    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        self.history.append((name, ok, detail))

    @property
    def conditions(self) -> list[tuple[str, bool]]:
        """`history` without the words."""
        return [(name, ok) for name, ok, _ in self.history]


def settings(**changes: Any) -> Settings:
    """Of no server, on the bundled recordings; `changes` replaces whole fields."""
    here = Path()
    unchanged: dict[str, Any] = {
        "kafka": "",
        "ledger_dsn": "",
        "partitions": 4,
        "exchange_url": "",
        "keys_dir": here,
        "recordings": RECORDINGS,
        "session_start_ns": 1_790_000_000_000_000_000,
        "replay_speed": 1.0,
        "data_dir": here,
        "http_host": "127.0.0.1",
        "http_port": 0,
        "max_jump_bps": 200.0,
    }
    return Settings(**unchanged | changes)


def role_context(role: str, producer: Producer, chosen: Settings) -> Context:
    return Context(
        role=role,
        worker="test",
        settings=chosen,
        producer=producer,
        readiness=RememberingReadiness(),
        metrics=prometheus_client.CollectorRegistry(),
        stopping=asyncio.Event(),
    )
