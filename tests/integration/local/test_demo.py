"""The demo from start to report, with programs killed on the way, and with nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from dashboard_queries import alert_expressions, dashboard_expressions, metrics_of

from hedgerow_local import asking
from hedgerow_local.ending import stop
from hedgerow_local.layout import Layout
from hedgerow_local.owned import marked_processes
from hedgerow_local.postgres import remove_data
from hedgerow_local.processes import WORKERS, worker_ports
from hedgerow_local.prometheus import find_prometheus
from hedgerow_local.state import RUN_VARIABLE, StackState, read_state
from hedgerow_local.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[3]
DEMO = """\
import sys
from pathlib import Path
from hedgerow_local.demo import Demo
from hedgerow_local.layout import Layout
sys.exit(0 if Demo(Layout(Path(sys.argv[1]), Path(sys.argv[2]))).run(None) else 1)
"""
FILLED = re.compile(r"hedges (\d+) filled")
LINES_DEADLINE_S = 240
# Every role and one of each kind of server, killed together row by row.
KILLED = (
    ("executor", "exchange"),
    ("gateway", "ingestion", "cache", "order-generator", "redis-1"),
    ("pipeline", "postgres", "kafka", "history", "recorder"),
)


class RunningDemo:
    """The command in a process of its own, and the lines it prints."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.lines: list[str] = []
        self._printed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-c", DEMO, str(layout.root), str(layout.run)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._printed:
                self.lines.append(line.rstrip())
                self._printed.notify_all()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def filled(self) -> int:
        return max((int(number) for line in self.lines for number in FILLED.findall(line)), default=0)

    @property
    def excursions(self) -> int:
        """At least this many: how often BTC was printed outside after it was inside."""
        words = [word for line in self.lines for word in re.findall("BTC .*? (inside|OUTSIDE)", line)]
        return sum(a == "inside" and b == "OUTSIDE" for a, b in pairwise(words))

    def wait_until(self, what: str) -> None:
        """Until the expression over this object holds, looked at with every line printed."""
        with self._printed:
            held = self._printed.wait_for(
                lambda: bool(eval(what, {}, {"demo": self})) or self.process.poll() is not None,
                LINES_DEADLINE_S,
            )
        assert held, f"{what} did not come true:\n{self.text}"
        assert self.process.poll() is None, f"the demo ended:\n{self.text}"

    def state(self) -> StackState:
        state = read_state(self.layout.state)
        assert state is not None
        return state

    def end(self) -> int:
        code = self.process.wait(timeout=LINES_DEADLINE_S)
        self._reader.join()
        return code


@pytest.fixture
def layout() -> Iterator[Layout]:
    with tempfile.TemporaryDirectory(prefix="hedgerow-demo-") as folder:
        layout = Layout(ROOT, Path(folder))
        yield layout
        stop(layout)
        for data in (layout.postgres, layout.history):
            if data.is_symlink():
                remove_data(data.readlink().parent)


def kill(demo: RunningDemo, program: str) -> None:
    os.kill(Supervisor(demo.layout.supervisor_socket).status()[program].pid, signal.SIGKILL)


def assert_dashboards_ask_for_what_is_there(state: StackState) -> None:
    """Each metric of each query is exposed by some worker, and Prometheus answers every query."""
    expressions = [*dashboard_expressions(), *alert_expressions()]
    asked = set().union(*map(metrics_of, expressions))
    # A worker that was killed just now is there again, and scraped, within seconds.
    eventually(lambda: asked <= exposed_metrics(state), "some metric is exposed by no worker")
    if find_prometheus() is None:
        return
    for expression in expressions:
        ask_prometheus(state, expression)
    for metric in (
        "hedgerow_net_exposure_usd",
        "hedgerow_mid_price",
        "hedgerow_hop_seconds_bucket",
        "hedgerow_ready",
    ):
        eventually(lambda metric=metric: ask_prometheus(state, metric) != [], f"no series of {metric}")
    assert ask_prometheus(state, "count(up == 1)") != []


def exposed_metrics(state: StackState) -> set[str]:
    pages = [asking.get(port, "/metrics").body for port in worker_ports(state).values()]
    found = {"up"}
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", "\n".join(pages), re.MULTILINE):
        found |= {f"{name}_bucket"} if kind == "histogram" else {name}
    return found


def eventually(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + LINES_DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.5)


def ask_prometheus(state: StackState, expression: str) -> list[Any]:
    answer = asking.get(state.ports["prometheus"], f"/api/v1/query?{urlencode({'query': expression})}")
    assert answer.ok, f"{expression}: {answer.body}"
    return json.loads(answer.body)["data"]["result"]


def test_programs_killed_on_the_way_are_restarted_and_the_books_balance(layout: Layout) -> None:
    demo = RunningDemo(layout)
    demo.wait_until("demo.filled >= 1")
    run = demo.state().run
    refused = RunningDemo(layout)
    assert refused.end() != 0
    assert "already runs" in refused.text
    for together in KILLED:
        for program in together:
            kill(demo, program)
        demo.wait_until(f"demo.filled >= {demo.filled + 2}")
    demo.wait_until("demo.excursions >= 3")
    assert_dashboards_ask_for_what_is_there(demo.state())
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == 0, demo.text
    report = json.loads(layout.report.read_text())
    assert report["balanced"] is True
    assert report["problems"] == []
    assert {item["underlying"] for item in report["exposure"]} == {"BTC", "ETH", "NVDA", "SPX"}
    for row in report["instruments"]:
        assert row["venue"] == row["ledger"] == row["journal"], row
    for together in KILLED:
        for program in together:
            assert report["restarts"][program] >= 1, program
    assert {*WORKERS, "postgres", "kafka", "history", "redis-1"} == set().union(*KILLED)
    assert marked_processes(RUN_VARIABLE, run) == []
    assert read_state(layout.state) is None


def test_a_killed_demo_is_cleaned_up_by_the_next_which_ends_at_once_when_told(layout: Layout) -> None:
    first = RunningDemo(layout)
    first.wait_until("'exchange' in demo.text")
    run = first.state().run
    first.process.kill()
    first.end()
    assert marked_processes(RUN_VARIABLE, run) != []
    second = RunningDemo(layout)
    second.wait_until("'postgres and ledger' in demo.text")
    assert "ended the remains" in second.text
    assert marked_processes(RUN_VARIABLE, run) == []
    run = second.state().run
    assert stop(layout) == "Stopped."
    assert second.end() != 0
    assert marked_processes(RUN_VARIABLE, run) == []
