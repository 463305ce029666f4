"""Edits a strategy and sees, through a watch, when the cluster says that the edit is accepted and ready."""

import json
import queue
import threading
import time
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple

from cluster import Cluster

PATIENCE_S = 60.0
# Time for the strategy to decide under its new generation.
PAUSE_S = 1.5


class Edit(NamedTuple):
    """When an edit was applied, and how long it took until its generation was accepted and ready."""

    generation: int
    applied_ns: int
    accepted_s: float
    ready_s: float


class Seen(NamedTuple):
    """One state of the watched object: when it came, and by condition the generation for which it was true."""

    time_s: float
    true_for: dict[str, int]


class StrategyWatch:
    """A watch on one strategy for as long as the context lasts."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster = cluster
        self._name = name
        self._seen: queue.Queue[Seen] = queue.Queue()
        self._stack = ExitStack()

    def __enter__(self) -> "StrategyWatch":
        conditions = "{{range .status.conditions}}{{.type}}={{.status}}={{.observedGeneration}} {{end}}"
        output = f'--output=go-template={conditions}{{{{"\\n"}}}}'
        process = self._stack.enter_context(self._cluster.watching(self._name, output))

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                parts = [part.split("=") for part in line.split()]
                true_for = {kind: int(generation) for kind, status, generation in parts if status == "True"}
                self._seen.put(Seen(time.monotonic(), true_for))

        threading.Thread(target=read, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def edit(self, number: int) -> Edit:
        """Move the band's edges, and wait until that is ready."""
        edge = 20_000 + 100 * (number % 50)
        band = [
            {
                "underlying": "BTC",
                "lower": str(-edge),
                "upper": str(edge),
                "unit": "Notional",
                "returnTo": "Edge",
            }
        ]
        patch = json.dumps({"spec": {"policy": {"band": band}}})
        answer = self._cluster.kubectl("patch", self._name, "--type=merge", "--patch", patch, "--output=json")
        # From the server's answer on: the start of kubectl itself is not the cluster's.
        applied_s, applied_ns = time.monotonic(), time.time_ns()
        generation = int(json.loads(answer)["metadata"]["generation"])
        accepted_s = self._until("Accepted", generation)
        ready_s = self._until("Ready", generation)
        time.sleep(PAUSE_S)
        return Edit(generation, applied_ns, max(0.0, accepted_s - applied_s), max(0.0, ready_s - applied_s))

    def _until(self, condition: str, generation: int) -> float:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            seen = self._newest if self._holds(condition, generation) else None
            if seen is not None:
                return seen.time_s
            self._newest = self._seen.get(timeout=max(0.1, deadline - time.monotonic()))

    _newest = Seen(0.0, {})

    def _holds(self, condition: str, generation: int) -> bool:
        return self._newest.true_for.get(condition, 0) >= generation
