"""The programs of the local stack: how each is run, with which surroundings, and in which order they end."""

import os
import sys
from pathlib import Path

import msgspec

from hedgerow_local import kafka, postgres, prometheus, redis_cluster
from hedgerow_local.keys import GENERATOR
from hedgerow_local.layout import Layout
from hedgerow_local.ports import LOOPBACK
from hedgerow_local.postgres_programs import Programs, for_history, packaged
from hedgerow_local.scenario import SETTING, read_scenario
from hedgerow_local.state import RUN_VARIABLE, StackState

PARTITIONS = 4
LEDGER_DATABASE = "ledger"
HISTORY_DATABASE = "history"
# Worker name: the roles that share its process.
WORKERS: dict[str, tuple[str, ...]] = {
    "exchange": ("exchange",),
    "ingestion": ("ingestion", "accounts"),
    "pipeline": ("enrichment", "router", "risk", "hedging"),
    "executor": ("executor",),
    "gateway": ("gateway", "books"),
    "recorder": ("recorder",),
    "cache": ("cache",),
    "order-generator": ("order-generator",),
}
REDIS = tuple(f"redis-{number}" for number in range(1, redis_cluster.MASTERS + 1))
PORT_NAMES = (
    "kafka",
    "kafka-controller",
    "postgres",
    "history",
    "exchange",
    "gateway",
    "prometheus",
    *REDIS,
    *(f"{name}-bus" for name in REDIS),
    *(f"http-{name}" for name in WORKERS),
)
# Ended in this order, those of one row together: whoever sends before whoever answers, servers last.
STOP_ORDER: tuple[tuple[str, ...], ...] = (
    ("order-generator",),
    ("apply", "ingestion", "pipeline", "executor", "gateway", "cache"),
    ("exchange", "recorder"),
    ("kafka", "postgres", "history", "prometheus", *REDIS),
)


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One supervised program. `stop_signal` goes to its whole group only where `stop_as_group` says so."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    user: str | None = None
    stop_signal: str = "TERM"
    stop_as_group: bool = True


def gateway_url(state: StackState) -> str:
    return f"http://{LOOPBACK}:{state.ports['gateway']}"


def http_port(state: StackState, worker: str) -> int:
    """Where a worker answers `/ready` and `/metrics`."""
    return state.ports[f"http-{worker}"]


def worker_ports(state: StackState) -> dict[str, int]:
    """Where each worker answers, by its name."""
    return {worker: http_port(state, worker) for worker in WORKERS}


def prometheus_url(state: StackState) -> str:
    return f"http://{LOOPBACK}:{state.ports['prometheus']}"


def ledger_dsn(state: StackState) -> str:
    return postgres.server_dsn(state.ports["postgres"], LEDGER_DATABASE)


def given_history_dsn() -> str | None:
    """The history server to use instead of one of our own, if the environment names one."""
    return os.environ.get("HEDGEROW_HISTORY_DSN") or None


def history_dsn(state: StackState) -> str:
    return given_history_dsn() or postgres.server_dsn(state.ports["history"], HISTORY_DATABASE)


def kafka_bootstrap(state: StackState) -> str:
    return f"{LOOPBACK}:{state.ports['kafka']}"


def exchange_url(state: StackState) -> str:
    return f"http://{LOOPBACK}:{state.ports['exchange']}"


def redis_masters(layout: Layout, state: StackState) -> tuple[redis_cluster.Master, ...]:
    return redis_cluster.masters(
        layout.redis,
        [state.ports[name] for name in REDIS],
        [state.ports[f"{name}-bus"] for name in REDIS],
    )


def surroundings(layout: Layout, state: StackState) -> dict[str, str]:
    """The environment that every program shares; `hedgerow.streams.settings` says what the names mean.

    Raises:
        LocalError: a scenario was asked for that there is not.
    """
    return {
        RUN_VARIABLE: state.run,
        "HEDGEROW_KAFKA": kafka_bootstrap(state),
        "HEDGEROW_LEDGER_DSN": ledger_dsn(state),
        "HEDGEROW_HISTORY_DSN": history_dsn(state),
        "HEDGEROW_PARTITIONS": str(PARTITIONS),
        "HEDGEROW_EXCHANGE_URL": exchange_url(state),
        "HEDGEROW_KEYS_DIR": str(layout.keys),
        "HEDGEROW_GATEWAY_KEYS_DIR": str(layout.gateway_keys),
        "HEDGEROW_GATEWAY_PORT": str(state.ports["gateway"]),
        "HEDGEROW_REDIS": redis_cluster.addresses(redis_masters(layout, state)),
        "HEDGEROW_GATEWAY_URL": gateway_url(state),
        "HEDGEROW_ORDERS_KEY_FILE": str(layout.gateway_keys / GENERATOR / "key"),
        "HEDGEROW_RECORDINGS": str(layout.recordings),
        "HEDGEROW_SESSION_START_NS": str(state.session_start_ns),
        "HEDGEROW_HTTP_HOST": LOOPBACK,
        "HEDGEROW_DATA_DIR": str(layout.data("shared")),
        SETTING: read_scenario() or "",
        "PYTHONUNBUFFERED": "1",
    }


def programs(
    layout: Layout, state: StackState, postgres_data: Path, history_data: Path | None
) -> tuple[Program, ...]:
    """Every program of the stack.

    Args:
        history_data: folder of the history server's data; None when a server was named to use instead.

    Raises:
        LocalError: a server that one of them needs is not installed.
    """
    hedgerow = str(Path(sys.executable).parent / "hedgerow")
    servers = (
        _postgres("postgres", packaged(), postgres_data, state.ports["postgres"]),
        *(
            [_postgres("history", for_history(), history_data, state.ports["history"])]
            if history_data is not None
            else []
        ),
        Program(name="kafka", command=tuple(kafka.server_command(layout.kafka))),
        *(
            Program(name=name, command=tuple(redis_cluster.server_command(master)))
            for name, master in zip(REDIS, redis_masters(layout, state), strict=True)
        ),
        Program(name="apply", command=(hedgerow, "apply", "--watch", str(layout.examples))),
    )
    workers = tuple(
        Program(
            name=name,
            command=(hedgerow, "worker", "--roles", ",".join(roles)),
            environment={
                "HEDGEROW_HTTP_PORT": str(http_port(state, name)),
                "HEDGEROW_DATA_DIR": str(layout.data(name)),
            },
        )
        for name, roles in WORKERS.items()
    )
    return servers + _watchers(layout, state) + workers


def _postgres(name: str, installation: Programs, data: Path, port: int) -> Program:
    return Program(
        name=name,
        command=tuple(postgres.server_command(data, port, installation)),
        user=installation.user,
        stop_signal=postgres.STOP_SIGNAL.name.removeprefix("SIG"),
        # Its children must outlive the signal: the postmaster tells each what to do.
        stop_as_group=False,
    )


def _watchers(layout: Layout, state: StackState) -> tuple[Program, ...]:
    binary = prometheus.find_prometheus()
    if binary is None:
        return ()
    command = prometheus.server_command(binary, layout.prometheus, state.ports["prometheus"])
    return (Program(name="prometheus", command=command),)
