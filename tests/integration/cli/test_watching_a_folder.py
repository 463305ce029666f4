"""`hedgerow apply --watch`: changes act, what is broken is refused, and nothing that is live goes away by itself."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from topic_contents import newest_by_key

from hedgerow.domain.times import SECOND_NS
from hedgerow.ledger.connection import connect
from hedgerow.ledger.continuity import arrive
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import STRATEGIES
from hedgerow_local.postgres import execute

EXAMPLES = Path(__file__).parents[3] / "k8s" / "examples"
DEADLINE_S = 60.0


class Watcher:
    """A running `apply --watch` and everything it said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[str] = []
        self._read = threading.Condition()
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._read:
                self.lines.append(line.rstrip())
                self._read.notify_all()

    def wait_for(self, text: str, after: int = 0) -> str:
        """The first line from number `after` on that holds the text."""

        def found() -> str | None:
            return next((line for line in self.lines[after:] if text in line), None)

        with self._read:
            assert self._read.wait_for(lambda: found() is not None, DEADLINE_S), (
                f"never said {text!r}: {self.lines}"
            )
            line = found()
        assert line is not None
        return line

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(DEADLINE_S)


@contextmanager
def watching(folder: Path, kafka: str, dsn: str) -> Iterator[Watcher]:
    environment = {**os.environ, "HEDGEROW_KAFKA": kafka, "HEDGEROW_LEDGER_DSN": dsn}
    process = subprocess.Popen(
        [sys.executable, "-m", "hedgerow.cli.main", "apply", "--watch", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    try:
        yield Watcher(process)
    finally:
        process.kill()
        process.wait()


class Folder:
    """A folder with a venue and one strategy of a name that no other test uses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = f"w-{uuid.uuid4().hex[:12]}"
        self.key = f"default/{self.name}"
        self.file = path / "strategy.yaml"
        (path / "venue.yaml").write_text((EXAMPLES / "paper-venue.yaml").read_text())
        self.write("25000")

    def write(self, upper: str, edit: Callable[[str], str] = lambda text: text) -> None:
        text = (EXAMPLES / "btc-band.yaml").read_text().replace("name: btc-band", f"name: {self.name}")
        self.replace(edit(text.replace('"25000"', f'"{upper}"')))

    def replace(self, text: str) -> None:
        """Whole at once, as editors do, so that no half-written file is read."""
        part = self.file.with_suffix(".part")
        part.write_text(text)
        part.replace(self.file)

    def on_topic(self, kafka: str) -> StrategyPublished | None:
        found: StrategyPublished | None = newest_by_key(kafka, STRATEGIES.name, StrategyPublished).get(
            self.key
        )
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_change_becomes_the_next_generation_and_a_broken_file_leaves_the_last_good_one(
    folder: Folder, kafka: str, ledger_dsn: str
) -> None:
    with watching(folder.path, kafka, ledger_dsn) as watcher:
        watcher.wait_for(f"HedgeStrategy {folder.key} created (generation 1")
        folder.write("30000")
        watcher.wait_for(f"HedgeStrategy {folder.key} configured (generation 2")
        folder.write("30000", lambda text: text.replace("mode: Paper", "mode: Dry"))
        refused = watcher.wait_for("refused: ")
        assert refused.startswith(f"refused: {folder.file}:8: spec.mode: ")
        assert refused.endswith("(what was live of it stays live)")
        folder.replace("kind: [")
        watcher.wait_for(f"refused: {folder.file}:1:8: ")
        live = folder.on_topic(kafka)
        assert live is not None
        assert (live.generation, str(live.config.bands[0].upper)) == (2, "30000")
        folder.write("40000")
        watcher.wait_for(f"HedgeStrategy {folder.key} configured (generation 3")
        assert watcher.stop() == 0


def test_a_strategy_waits_for_its_venue_and_is_applied_when_that_comes(
    folder: Folder, kafka: str, ledger_dsn: str
) -> None:
    venue = (folder.path / "venue.yaml").read_text()
    (folder.path / "venue.yaml").unlink()
    with watching(folder.path, kafka, ledger_dsn) as watcher:
        refused = watcher.wait_for("refused: ")
        assert 'there is no Venue "paper"' in refused
        assert f"HedgeStrategy {folder.key} is not live" in refused
        (folder.path / "venue.yaml").write_text(venue)
        watcher.wait_for(f"HedgeStrategy {folder.key} created (generation 1")


def test_a_deleted_file_leaves_the_strategy_live_and_says_how_to_delete_it(
    folder: Folder, kafka: str, ledger_dsn: str
) -> None:
    with watching(folder.path, kafka, ledger_dsn) as watcher:
        watcher.wait_for(f"HedgeStrategy {folder.key} created")
        folder.file.unlink()
        said = watcher.wait_for("is no longer declared")
        assert f"it stays live until `hedgerow delete HedgeStrategy {folder.key}`" in said
        assert folder.on_topic(kafka) is not None
        folder.write("30000")
        watcher.wait_for("configured (generation 2")


def test_starting_sends_every_live_strategy_again_so_that_a_lost_one_heals(
    folder: Folder, kafka: str, ledger_dsn: str
) -> None:
    with watching(folder.path, kafka, ledger_dsn) as watcher:
        watcher.wait_for("created (generation 1")
        assert watcher.stop() == 0
    sent = folder.on_topic(kafka)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(STRATEGIES.name, None, folder.key.encode())
    assert producer.flush(10) == 0
    folder.file.unlink()
    with watching(folder.path, kafka, ledger_dsn) as watcher:
        watcher.wait_for("1 current strategies published again")
        assert folder.on_topic(kafka) == sent


def test_it_names_a_server_that_is_not_there_and_keeps_trying(
    folder: Folder, kafka: str, ledger_dsn: str, free_port: Callable[[], int]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    with watching(folder.path, kafka, f"postgres://someone@{address}/ledger") as watcher:
        watcher.wait_for(f"the ledger's Postgres at {address}/ledger cannot be reached")
        watcher.wait_for("trying again", after=len(watcher.lines))
        assert watcher.stop() == 0


def test_each_change_becomes_one_generation_and_the_time_it_took_is_recorded(
    folder: Folder, kafka: str, ledger_dsn: str, record_property: Callable[[str, object], None]
) -> None:
    with watching(folder.path, kafka, ledger_dsn) as watcher:
        watcher.wait_for("created (generation 1")
        times = []
        for number in range(5):
            before = time.monotonic()
            folder.write(str(30000 + number))
            watcher.wait_for(f"configured (generation {number + 2}")
            times.append(time.monotonic() - before)
    record_property("seconds_from_change_to_topic", times)
    print("seconds from change to topic:", [f"{seconds:.3f}" for seconds in times])


# As a promotion leaves it that lost the newest generation.
WITHOUT_ITS_TAIL = """
    with lost as (delete from generations g using strategies s
        where g.strategy_uid = s.uid and g.generation = s.generation returning g.strategy_uid, g.generation),
    kept as (select distinct on (g.strategy_uid) g.* from generations g join lost l on l.strategy_uid = g.strategy_uid
        and g.generation < l.generation order by g.strategy_uid, g.generation desc)
    update strategies s set generation = kept.generation, revision = kept.revision, config = kept.config
    from kept where kept.strategy_uid = s.uid
"""
ELSEWHERE = "update ledger_identity set server = 'elsewhere'"


def test_what_a_promotion_lost_is_applied_again_as_a_generation_that_nobody_had(
    folder: Folder, kafka: str, ledger_dsn: str
) -> None:
    with watching(folder.path, kafka, ledger_dsn) as watcher:
        watcher.wait_for(f"HedgeStrategy {folder.key} created (generation 1")
        folder.write("30000")
        watcher.wait_for(f"HedgeStrategy {folder.key} configured (generation 2")
        execute(ledger_dsn, WITHOUT_ITS_TAIL, ELSEWHERE)
        asyncio.run(_arrive(ledger_dsn))
        before = len(watcher.lines)
        (folder.path / "note.txt").write_text("wakes it before its quiet pass")
        watcher.wait_for(f"HedgeStrategy {folder.key} configured (generation ", before)
        first = folder.on_topic(kafka)
        assert first is not None
        assert first.generation > 2

        while time.time_ns() // SECOND_NS <= first.generation:
            time.sleep(0.05)  # no two promotions are in one second
        execute(ledger_dsn, WITHOUT_ITS_TAIL, ELSEWHERE)
        before = len(watcher.lines)
        folder.write("35000")  # here the publisher is the first to come to the promoted ledger
        watcher.wait_for(f"HedgeStrategy {folder.key} configured (generation ", before)
        second = folder.on_topic(kafka)
        assert watcher.stop() == 0
    assert second is not None
    assert second.generation > first.generation


async def _arrive(dsn: str) -> None:
    """As an executor does when it meets the ledger again."""
    connection = await connect(dsn, "cli-tests")
    assert await arrive(connection, time.time_ns())
    await connection.close()
