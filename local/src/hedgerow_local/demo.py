"""`make demo`: the whole pipeline on a recorded session, watched second by second, then held to account."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import msgspec
from confluent_kafka import KafkaException

from hedgerow.adapters.synthetic.scenarios import Scenario
from hedgerow.adapters.venue import VenueUnavailable
from hedgerow_local import counters, processes, screen
from hedgerow_local.collect import Collector
from hedgerow_local.errors import LocalError
from hedgerow_local.exposure import RiskSample
from hedgerow_local.interrupts import Interrupts
from hedgerow_local.layout import Layout
from hedgerow_local.ledger_facts import Standing
from hedgerow_local.report import Facts, as_json, problems
from hedgerow_local.scenario import read_scenario
from hedgerow_local.stack import Stack
from hedgerow_local.treasury import Treasury

SETTLE_S = 30.0
SETTLE_POLL_S = 0.2
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, KafkaException)


class Demo:
    """One run of the demo."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._begun_ns = time.time_ns()
        self._interrupts = Interrupts()
        self._startup_s: dict[str, float] = {}
        self._stack = Stack(layout, self._announce)
        self._crashes = read_scenario() is Scenario.CRASH

    def run(self, seconds: float | None) -> bool:
        """Start, watch, settle, report; everything is ended on return, however it comes.

        Args:
            seconds: how long clients trade; None until Ctrl-C.

        Returns:
            Whether the demo showed all that it should.

        Raises:
            LocalError: the stack did not come up, or could not be asked at the end.
            KeyboardInterrupt, Terminated: it was interrupted before or after the clients' time.
        """
        with self._ended_whatever_happens():
            print(f"Starting (logs are in {self._layout.logs}):", flush=True)
            self._stack.start()
            url = processes.gateway_url(self._stack.state)
            print(f"REST API: {url}/docs (API keys are in {self._layout.gateway_keys})", flush=True)
            if self._stack.has_prometheus:
                print(f"Prometheus: {processes.prometheus_url(self._stack.state)}/alerts", flush=True)
            with self._treasury():
                collector = Collector(self._stack, self._begun_ns, ladders=self._crashes)
                try:
                    self._watch(collector, seconds)
                    return self._conclude(collector)
                finally:
                    collector.feed.close()

    @contextmanager
    def _treasury(self) -> Iterator[None]:
        """Where the market crashes there is a treasury with a loan, whose LTV ladder has something to climb for."""
        if not self._crashes:
            yield
            return
        treasury, begun = Treasury(self._layout, self._stack.state), time.monotonic()
        try:
            treasury.begin()
            self._announce("treasury applied", time.monotonic() - begun)
            yield
            treasury.withdraw()
        finally:
            treasury.end()

    def _announce(self, stage: str, seconds: float) -> None:
        self._startup_s[stage] = round(seconds, 2)
        print(screen.stage_line(stage, seconds), flush=True)

    @contextmanager
    def _ended_whatever_happens(self) -> Iterator[None]:
        try:
            with self._interrupts.raised():
                yield
        finally:
            if self._stack.claimed:
                print("Stopping.", flush=True)
                self._stack.end()

    def _watch(self, collector: Collector, seconds: float | None) -> None:
        self._look(collector)
        begun = last = time.monotonic()
        events = collector.totals.total(counters.RECEIVED)
        if seconds is None:
            print("Running until Ctrl-C.", flush=True)
        with self._interrupts.awaited():
            while (seconds is None or last - begun < seconds) and self._interrupts.sleep(last + 1):
                now, standing = time.monotonic(), self._look(collector)
                counted = collector.totals.total(counters.RECEIVED)
                if standing is not None:
                    rate = (counted - events) / (now - last)
                    newest = _newest(collector, standing)
                    print(screen.status_line(now - begun, rate, collector.lag, standing, newest), flush=True)
                events, last = counted, now

    def _look(self, collector: Collector) -> Standing | None:
        """A server that is being started again is no reason to end the demo."""
        try:
            return collector.look()
        except _AWAY as problem:
            print(f"  not readable right now: {type(problem).__name__}: {problem}", flush=True)
            return None

    def _conclude(self, collector: Collector) -> bool:
        print("Clients stop trading; settling.", flush=True)
        self._stack.stop_orders()
        facts = self._settled_facts(collector, time.monotonic() + SETTLE_S)
        self._layout.report.write_bytes(msgspec.json.format(msgspec.json.encode(as_json(facts)), indent=2))
        print("\n".join(screen.report_lines(facts)))
        print(f"Report: {self._layout.report}", flush=True)
        return not problems(facts)

    def _settled_facts(self, collector: Collector, deadline: float) -> Facts:
        """The facts of a moment at which all is settled, or of the last one before the deadline.

        A market that moves while they are read may have pushed a book out again: then they are read again.
        """
        while True:
            while not self._is_settled(collector) and time.monotonic() < deadline:
                time.sleep(SETTLE_POLL_S)
            try:
                facts = collector.facts(self._startup_s)
            except (*_AWAY, VenueUnavailable) as problem:
                raise LocalError(f"the stack could not be asked for the report: {problem}") from problem
            if all(item.inside for item in facts.exposures) or time.monotonic() >= deadline:
                return facts

    def _is_settled(self, collector: Collector) -> bool:
        """Risk has seen the clients' last fill, the exposure is inside the band, and nothing is open."""
        standing = self._look(collector)
        if standing is None or standing.hedges.open:
            return False
        newest = _newest(collector, standing)
        for item in standing.held:
            sample = newest.get((item.uid, item.band.underlying))
            if sample is None or sample.delta != item.books or not screen.is_inside(item, sample):
                return False
        return True


def _newest(collector: Collector, standing: Standing) -> dict[tuple[str, str], RiskSample]:
    found = {}
    for item in standing.held:
        key = (item.uid, item.band.underlying)
        sample = collector.feed.newest(*key)
        if sample is not None:
            found[key] = sample
    return found
