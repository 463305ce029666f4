"""What the workers count, read from their `/metrics` and added up across restarts."""

from collections.abc import Mapping

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from hedgerow_local import asking

RECEIVED = "hedgerow_messages_received_total"
SENT = "hedgerow_messages_sent_total"
DEAD = "hedgerow_dead_letters_total"
LAG = "hedgerow_consumer_lag_messages"

# One series: the worker that exposes it, its name and its labels.
Series = tuple[str, str, tuple[tuple[str, str], ...]]


class StageCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one role since the stack's start."""

    received: int = 0
    sent: int = 0
    dead: int = 0


def parse_metrics(worker: str, text: str) -> dict[Series, float]:
    """Every series of one worker's page.

    Raises:
        ValueError: the text is not in Prometheus' format.
    """
    return {
        (worker, sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def read_metrics(ports: Mapping[str, int]) -> dict[Series, float]:
    """The series of every worker that answers now; one that is being started again has none."""
    found: dict[Series, float] = {}
    for worker, port in ports.items():
        answer = asking.get(port, "/metrics")
        if answer.ok:
            found |= parse_metrics(worker, answer.body)
    return found


class Totals:
    """Counters that go on rising where a worker that was started again begins at 0."""

    def __init__(self) -> None:
        self._before: dict[Series, float] = {}
        self._newest: dict[Series, float] = {}

    def update(self, found: Mapping[Series, float]) -> None:
        """Take up a reading. What is missing from it keeps its last value."""
        for series, value in found.items():
            last = self._newest.get(series, 0.0)
            if value < last:
                self._before[series] = self._before.get(series, 0.0) + last
            self._newest[series] = value

    def by_role(self, name: str) -> dict[str, int]:
        """The sum of one counter per role."""
        sums: dict[str, float] = {}
        for series, value in self._newest.items():
            _, found, labels = series
            if found == name:
                role = dict(labels)["role"]
                sums[role] = sums.get(role, 0.0) + value + self._before.get(series, 0.0)
        return {role: int(value) for role, value in sums.items()}

    def total(self, name: str) -> int:
        """The sum of one counter over whatever it is told apart by."""
        return int(
            sum(
                value + self._before.get(series, 0.0)
                for series, value in self._newest.items()
                if series[1] == name
            )
        )

    def stages(self) -> dict[str, StageCounts]:
        """What went in and out of each role, and what could not be used."""
        received, sent, dead = (self.by_role(name) for name in (RECEIVED, SENT, DEAD))
        return {
            role: StageCounts(received=received.get(role, 0), sent=sent.get(role, 0), dead=dead.get(role, 0))
            for role in sorted({*received, *sent, *dead})
        }


def lag(found: Mapping[Series, float]) -> int:
    """Messages that wait to be taken up, all roles together."""
    return int(sum(value for (_, name, _), value in found.items() if name == LAG))
