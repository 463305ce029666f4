"""What dies is started again and counted; what is ended leaves nothing, also after the supervisor was killed."""

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from hedgerow_local.ending import clear_the_way, end_stack, stop
from hedgerow_local.errors import LocalError
from hedgerow_local.layout import Layout
from hedgerow_local.owned import OwnedProcess, ProcessId, identify, marked_processes
from hedgerow_local.processes import STOP_ORDER, Program
from hedgerow_local.state import RUN_VARIABLE, StackState, claim_state, read_state, write_state
from hedgerow_local.supervisor import Supervisor, restarts, start_supervisor
from hedgerow_local.supervisor_config import render

NAMES = tuple(name for row in STOP_ORDER for name in row)
# Each program has a child of its own, as Postgres and a shell script would.
SLEEPER = """\
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""
GONE_OWNER = ProcessId(pid=2**22 - 1, started=1.0)


def wait_for(what: Callable[[], bool], deadline_s: float = 20) -> None:
    deadline = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


class Running:
    """A stack of sleepers under a real supervisord."""

    def __init__(self, layout: Layout, owner: ProcessId) -> None:
        self.layout = layout
        self.state = StackState(
            run=uuid.uuid4().hex, owner=owner, supervisor=None, ports={}, session_start_ns=0
        )
        layout.logs.mkdir(parents=True)
        script = layout.run / "sleeper.py"
        script.write_text(SLEEPER)
        sleepers = [Program(name=name, command=(sys.executable, str(script))) for name in NAMES]
        layout.supervisor_config.write_text(render(layout, sleepers))
        environment = {**os.environ, RUN_VARIABLE: self.state.run}
        self.process: OwnedProcess = start_supervisor(layout, environment)
        self.state = StackState(
            run=self.state.run,
            owner=owner,
            supervisor=identify(self.process.pid),
            ports={},
            session_start_ns=0,
        )
        write_state(layout.state, self.state)
        self.supervisor = Supervisor(layout.supervisor_socket)
        for name in NAMES:
            self.supervisor.start(name)
        wait_for(lambda: all(info.state == "RUNNING" for info in self.supervisor.status().values()))
        wait_for(lambda: len(self.left()) == 1 + 2 * len(NAMES))

    def left(self) -> list[psutil.Process]:
        return marked_processes(RUN_VARIABLE, self.state.run)


@pytest.fixture
def run_stack(tmp_path: Path) -> Iterator[Callable[[ProcessId], Running]]:
    started: list[Running] = []

    def run(owner: ProcessId) -> Running:
        started.append(Running(Layout(tmp_path, tmp_path / ".run"), owner))
        return started[-1]

    yield run
    for stack in started:
        end_stack(stack.layout, stack.state)
        stack.process.stop(grace_s=1)


def test_a_killed_program_is_started_again_and_counted(run_stack: Callable[[ProcessId], Running]) -> None:
    stack = run_stack(GONE_OWNER)
    victim = stack.supervisor.status()["executor"].pid
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: stack.supervisor.status()["executor"].pid not in (0, victim))
    counted = restarts(stack.layout.log("supervisor"))
    assert counted == {name: int(name == "executor") for name in NAMES}


def test_ending_leaves_no_process_and_no_state(run_stack: Callable[[ProcessId], Running]) -> None:
    stack = run_stack(GONE_OWNER)
    end_stack(stack.layout, stack.state)
    assert stack.left() == []
    assert read_state(stack.layout.state) is None
    assert not stack.layout.supervisor_socket.exists()


def test_stop_ends_what_a_killed_supervisor_left_behind(run_stack: Callable[[ProcessId], Running]) -> None:
    stack = run_stack(GONE_OWNER)
    os.kill(stack.process.pid, signal.SIGKILL)
    wait_for(lambda: len(stack.left()) == 2 * len(NAMES))
    assert stop(stack.layout) == "Stopped."
    assert stack.left() == []
    assert stop(stack.layout) == "Nothing runs."


def test_a_new_start_ends_the_remains_of_a_run_whose_owner_is_gone(
    run_stack: Callable[[ProcessId], Running],
) -> None:
    stack = run_stack(GONE_OWNER)
    assert clear_the_way(stack.layout) is True
    assert stack.left() == []
    assert clear_the_way(stack.layout) is False


def test_a_new_start_is_refused_while_the_owner_of_another_lives(
    run_stack: Callable[[ProcessId], Running],
) -> None:
    parent = identify(os.getppid())
    stack = run_stack(parent)
    with pytest.raises(LocalError, match=rf"already runs, started by process {parent.pid}"):
        clear_the_way(stack.layout)
    assert len(stack.left()) == 1 + 2 * len(NAMES)


def test_of_two_that_start_at_the_same_moment_one_is_refused(tmp_path: Path) -> None:
    state = StackState(run="1", owner=GONE_OWNER, supervisor=None, ports={}, session_start_ns=0)
    claim_state(tmp_path / "stack.json", state)
    with pytest.raises(LocalError, match="another stack"):
        claim_state(tmp_path / "stack.json", state)
    assert [path.name for path in tmp_path.iterdir()] == ["stack.json"]


def test_a_reused_process_id_is_not_taken_for_the_old_process() -> None:
    ours = identify(os.getpid())
    assert ours.find() is not None
    assert ProcessId(ours.pid, ours.started - 3600).find() is None
