"""Starts the local stack stage by stage, each waited for, and ends all of it."""

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec
from sqlalchemy.exc import SQLAlchemyError

from hedgerow.history.migrate import upgrade as upgrade_history
from hedgerow.ledger.connection import address_of
from hedgerow.ledger.migrate import upgrade
from hedgerow.streams.topic_making import TopicsUnusable, ensure_topics
from hedgerow_local import asking, kafka, postgres, processes, prometheus, redis_cluster
from hedgerow_local.ending import clear_the_way, end_stack
from hedgerow_local.errors import LocalError
from hedgerow_local.keys import ensure_gateway_keys, ensure_keys
from hedgerow_local.layout import Layout
from hedgerow_local.owned import OwnedProcess, identify, log_tail
from hedgerow_local.ports import free_ports
from hedgerow_local.postgres_programs import for_history
from hedgerow_local.state import StackState, claim_state, write_state
from hedgerow_local.supervisor import Supervisor, restarts, start_supervisor
from hedgerow_local.supervisor_config import render

WORKERS = ("ingestion", "pipeline", "executor", "gateway", "cache", "recorder")
READY_DEADLINE_S = 120.0
APPLY_DEADLINE_S = 60.0
POLL_S = 0.1
# A program that was started again this often before it was ready once will not become ready.
HOPELESS_RESTARTS = 5

Announce = Callable[[str, float], None]


class Stack:
    """One start of the local stack. `announce` is told each finished stage and how many seconds it took."""

    def __init__(self, layout: Layout, announce: Announce) -> None:
        self.layout = layout
        self._announce = announce
        self.state = StackState(
            run=uuid.uuid4().hex,
            owner=identify(os.getpid()),
            supervisor=None,
            ports=dict(zip(processes.PORT_NAMES, free_ports(len(processes.PORT_NAMES)), strict=True)),
            session_start_ns=time.time_ns(),
        )
        self.supervisor = Supervisor(layout.supervisor_socket)
        self.claimed = False
        self._process: OwnedProcess | None = None

    def start(self) -> None:
        """Bring everything up; on return every worker is ready and clients have begun to trade.

        Raises:
            LocalError: another stack runs, or a stage failed; the message has the end of the log to look at.
        """
        if clear_the_way(self.layout):
            self._announce("ended the remains of a run that was killed", 0.0)
        with self._stage("supervisor"):
            self._start_supervisor()
        with self._stage("postgres and ledger"):
            self._start_servers()
        with self._stage("history"):
            self._start_history()
        with self._stage("kafka and topics"):
            kafka.wait_until_ready(self._bootstrap, self.layout.kafka, self._require_up("kafka"))
            try:
                ensure_topics(self._bootstrap, processes.PARTITIONS)
            except TopicsUnusable as problem:
                raise LocalError(str(problem)) from problem
        with self._stage("redis cluster"):
            redis_cluster.form(
                processes.redis_masters(self.layout, self.state), self._require_up(*processes.REDIS)
            )
        if self.has_prometheus:
            self._start("prometheus")
        # Each waits by itself for what it needs, so all may load at once; we wait in the order of their needs.
        self._start("exchange", "apply", *WORKERS)
        with self._stage("exchange"):
            self._wait_until_ready(["exchange"])
        with self._stage("strategies applied"):
            self._wait_until_applied()
        with self._stage("workers ready"):
            self._wait_until_ready(WORKERS)
        with self._stage("order generator"):
            self._start("order-generator")
            self._wait_until_ready(["order-generator"])

    def stop_orders(self) -> None:
        """No new client orders from here on, and none that waits.

        Raises:
            LocalError: it did not stop.
        """
        self.supervisor.stop(["order-generator"], deadline_s=30)

    def end(self) -> None:
        """End every process of this stack. Only for one that is `claimed`: else it would end another's.

        Raises:
            LocalError: something could not be ended.
        """
        end_stack(self.layout, self.state)
        if self._process is not None:
            self._process.stop(grace_s=0)

    @property
    def has_prometheus(self) -> bool:
        """Whether this machine has one, so that the stack runs it."""
        return prometheus.find_prometheus() is not None

    def restarts(self) -> dict[str, int]:
        """How often each program was started again since this stack's start."""
        return restarts(self.layout.log("supervisor"))

    @property
    def _bootstrap(self) -> str:
        return processes.kafka_bootstrap(self.state)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self._announce(name, time.monotonic() - begun)

    def _start_supervisor(self) -> None:
        layout = self.layout
        data = postgres.data_folder(layout.postgres)
        programs = processes.programs(layout, self.state, data, self._history_data())
        layout.logs.mkdir(parents=True, exist_ok=True)
        for owner in (*processes.WORKERS, "shared"):
            layout.data(owner).mkdir(parents=True, exist_ok=True)
        ensure_keys(layout.keys)
        ensure_gateway_keys(layout.gateway_keys)
        prometheus.prepare(layout.prometheus, processes.worker_ports(self.state), layout.alerts)
        layout.supervisor_config.write_text(render(layout, programs))
        # Written before anything runs, so that whatever happens next can be found and ended.
        claim_state(layout.state, self.state)
        self.claimed = True
        surroundings = processes.surroundings(layout, self.state)
        layout.environment.write_text("".join(f"{name}={value}\n" for name, value in surroundings.items()))
        self._process = start_supervisor(layout, {**os.environ, **surroundings})
        self.state = msgspec.structs.replace(self.state, supervisor=identify(self._process.pid))
        write_state(layout.state, self.state)

    def _start_servers(self) -> None:
        """Kafka takes longest to come up, so it does that while the ledger is made ready."""
        data = postgres.data_folder(self.layout.postgres)
        postgres.initialise(data)
        self._start("postgres")
        kafka.prepare(self.layout.kafka, self.state.ports["kafka"], self.state.ports["kafka-controller"])
        self._start("kafka")
        redis_cluster.prepare(processes.redis_masters(self.layout, self.state))
        self._start(*processes.REDIS)
        admin = postgres.server_dsn(self.state.ports["postgres"])
        postgres.wait_until_ready(admin, data, self._require_up("postgres"))
        postgres.ensure_database(admin, processes.LEDGER_DATABASE)
        upgrade(processes.ledger_dsn(self.state))

    def _history_data(self) -> Path | None:
        """None when a server was named to use instead of one of our own."""
        if processes.given_history_dsn():
            return None
        return postgres.data_folder(self.layout.history, for_history())

    def _start_history(self) -> None:
        data = self._history_data()
        if data is not None:
            installation = for_history()
            postgres.initialise(data, installation)
            self._start("history")
            admin = postgres.server_dsn(self.state.ports["history"])
            postgres.wait_until_ready(admin, data, self._require_up("history"), installation)
            postgres.ensure_database(admin, processes.HISTORY_DATABASE)
        dsn = processes.history_dsn(self.state)
        try:
            upgrade_history(dsn)
        except (OSError, asyncpg.PostgresError, SQLAlchemyError) as problem:
            raise LocalError(
                f"the history at {address_of(dsn)} cannot be made ready: {problem}; check HEDGEROW_HISTORY_DSN"
            ) from problem

    def _start(self, *names: str) -> None:
        for name in names:
            self.supervisor.start(name)

    def _require_up(self, *names: str) -> Callable[[], None]:
        def check() -> None:
            for name in names:
                if self.restarts().get(name, 0) >= HOPELESS_RESTARTS:
                    raise LocalError(f"{name} ends again and again; {self._log_end(name)}")

        return check

    def _wait_until_ready(self, workers: Iterable[str]) -> None:
        waiting = list(workers)
        deadline = time.monotonic() + READY_DEADLINE_S
        while waiting:
            name = waiting[0]
            self._require_up(name)()
            answer = asking.get(processes.http_port(self.state, name), "/ready")
            if answer.ok:
                waiting.pop(0)
            elif time.monotonic() > deadline:
                raise LocalError(
                    f"{name} was not ready within {READY_DEADLINE_S:.0f} s; /ready says {answer.status} "
                    f"{answer.body.strip()}; {self._log_end(name)}"
                )
            else:
                time.sleep(POLL_S)

    def _wait_until_applied(self) -> None:
        """Until the resources are in the ledger there is nothing to hedge."""
        query = "SELECT (SELECT count(*) FROM strategies) > 0 AND (SELECT count(*) FROM venues) > 0"
        deadline = time.monotonic() + APPLY_DEADLINE_S
        while not postgres.fetch_value(processes.ledger_dsn(self.state), query):
            self._require_up("apply")()
            if time.monotonic() > deadline:
                raise LocalError(
                    f"nothing from {self.layout.examples} was applied within {APPLY_DEADLINE_S:.0f} s; "
                    f"{self._log_end('apply')}"
                )
            time.sleep(POLL_S)

    def _log_end(self, program: str) -> str:
        path: Path = self.layout.log(program)
        return f"{path} ends with:\n{log_tail(path)}"
