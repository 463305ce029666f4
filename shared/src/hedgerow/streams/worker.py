"""The worker process: loads roles, runs them side by side in one event loop, and ends cleanly or with a reason."""

import asyncio
import importlib.metadata
import logging
import os
import signal
import socket
from collections.abc import Coroutine, Sequence

import structlog
import uvloop
from prometheus_client import CollectorRegistry, ProcessCollector

from hedgerow.streams.context import Context, Role, ServiceRole, StreamRole
from hedgerow.streams.counting import CountingProducer
from hedgerow.streams.health import HealthServer, progress
from hedgerow.streams.lifeline import Lifeline
from hedgerow.streams.log_offsets import LogOffsets
from hedgerow.streams.logs import set_up_logs
from hedgerow.streams.metrics import worker_metrics
from hedgerow.streams.producer import KafkaProducer
from hedgerow.streams.readiness import Conditions, RoleReadiness
from hedgerow.streams.servers import KafkaWatch
from hedgerow.streams.settings import Settings, read_settings
from hedgerow.streams.stream_role import StreamRunner
from hedgerow.streams.watchdog import LoopGuard, Watchdog

_log = structlog.get_logger(__name__)

ENTRY_POINTS = "hedgerow.roles"
_SERVICE_GRACE_S = 15.0
_FLUSH_S = 15.0


class UnknownRole(ValueError):
    """No installed package offers this role; the message names those that are."""


def load_roles(names: Sequence[str]) -> list[Role]:
    """The roles of these names, in this order.

    Raises:
        UnknownRole: nothing offers one of them, or one is named twice.
    """
    offered = {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    unknown = [name for name in names if name not in offered]
    if unknown or not names:
        raise UnknownRole(
            f"unknown role {', '.join(unknown) or '(none)'}; there are {', '.join(sorted(offered))}"
        )
    if len(set(names)) < len(names):
        raise UnknownRole(f"a role is named twice in {', '.join(names)}")
    return [offered[name].load() for name in names]


def run_worker(names: Sequence[str]) -> None:
    """Run these roles in this process until a signal; a failure ends the process with exit code 1.

    Raises:
        UnknownRole, SettingsError: the command or the environment is wrong.
    """
    roles = load_roles(names)
    settings = read_settings()
    set_up_logs([role.name for role in roles])
    # Faust's consumer threads make loops of their own, through the policy.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(_run(settings, roles))


async def _run(settings: Settings, roles: Sequence[Role]) -> None:
    lifeline = Lifeline()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lifeline.stop)
    await Worker(settings, roles, lifeline).run()
    if lifeline.reason is not None:
        # What a failed worker leaves running (threads, half-stopped apps) must not keep the process alive.
        logging.shutdown()
        os._exit(1)


class Worker:
    """The roles of one process and what they share."""

    def __init__(self, settings: Settings, roles: Sequence[Role], lifeline: Lifeline) -> None:
        self._settings = settings
        self._roles = list(roles)
        self._lifeline = lifeline
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._metrics = worker_metrics(self._registry)
        self._conditions = Conditions([role.name for role in roles], self._metrics)
        for role in roles:
            self._conditions.set(role.name, "started", False, "has not started yet")
        self._watchdogs = {role.name: Watchdog() for role in roles if isinstance(role, StreamRole)}
        self._producer = KafkaProducer(settings.kafka, lifeline)
        self._log_offsets = LogOffsets(settings.kafka)
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._runners: list[StreamRunner] = []
        self._services: list[asyncio.Task[None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Run until asked to stop. On a failure nothing more is committed: the next owner takes it up again."""
        guard = LoopGuard()
        guard.start()
        health = HealthServer(
            self._settings.http_host,
            self._settings.http_port,
            lambda: progress(self._watchdogs),
            self._conditions.missing,
            self._registry,
        )
        try:
            await health.start()
            self._tasks.append(asyncio.create_task(guard.beat()))
            starting = asyncio.create_task(self._guarded(self._start(), "start"))
            self._tasks.append(starting)
            await self._lifeline.stopping.wait()
            await self._stop(starting)
        except Exception as error:
            self._lifeline.fail(str(error), error)
        finally:
            guard.stop()
            for task in self._tasks:
                task.cancel()
            await health.stop()
            self._producer.close()
        _log.info("worker stopped", reason=self._lifeline.reason)

    async def _start(self) -> None:
        needs_kafka = [role for role in self._roles if isinstance(role, StreamRole) or role.needs_kafka]
        for role in self._roles:
            if isinstance(role, ServiceRole) and not role.needs_kafka:
                self._serve(role)
        if not needs_kafka:
            return
        watch = KafkaWatch(self._settings, needs_kafka, self._producer, self._conditions, self._lifeline)
        await watch.wait()
        self._tasks.append(asyncio.create_task(self._guarded(watch.watch(), "watch of Kafka")))
        if self._lifeline.stopping.is_set():
            return
        for role in needs_kafka:
            if isinstance(role, ServiceRole):
                self._serve(role)
        await asyncio.gather(*(self._stream(role) for role in needs_kafka if isinstance(role, StreamRole)))

    async def _stream(self, role: StreamRole) -> None:
        watchdog = self._watchdogs[role.name]
        runner = StreamRunner(
            role,
            self._context(role),
            self._producer,
            self._metrics,
            self._lifeline,
            self._conditions,
            watchdog,
            self._log_offsets,
        )
        self._runners.append(runner)
        await runner.start()
        self._conditions.set(role.name, "started", True)

    def _serve(self, role: ServiceRole) -> None:
        async def served() -> None:
            await role.run(self._context(role))
            if not self._lifeline.stopping.is_set():
                raise RuntimeError("it returned although nobody asked it to stop")

        task = asyncio.create_task(self._guarded(served(), role.name), name=role.name)
        self._services.append(task)
        self._conditions.set(role.name, "started", True)

    def _context(self, role: Role) -> Context:
        return Context(
            role=role.name,
            worker=self._name,
            settings=self._settings,
            producer=CountingProducer(self._producer, role.name, self._metrics),
            readiness=RoleReadiness(self._conditions, role.name),
            metrics=self._registry,
            stopping=self._lifeline.stopping,
        )

    async def _guarded(self, work: Coroutine[object, object, None], name: str) -> None:
        try:
            await work
        except Exception as error:
            self._lifeline.fail(f"{name}: {type(error).__name__}: {error}", error)

    async def _stop(self, starting: asyncio.Task[None]) -> None:
        _log.info("stopping")
        if self._services:
            _, late = await asyncio.wait(self._services, timeout=_SERVICE_GRACE_S)
            for task in late:
                self._lifeline.fail(f"{task.get_name()}: has not stopped within {_SERVICE_GRACE_S:.0f} s")
        if self._lifeline.reason is not None:
            return
        starting.cancel()
        await asyncio.wait([starting])
        for runner in self._runners:
            await runner.stop()
        await self._producer.drained(_FLUSH_S)
