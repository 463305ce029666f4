"""One hop, sustained: the worker shell beside plain aiokafka and confluent-kafka loops and Faust as it comes.

Passed time is what counts on a machine of one's own; processor time tells the same on one that others use as well.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_hop_throughput.py`. Ratios of one round are compared, because what disturbs
the machine disturbs all of a round.
"""

import os
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest
from hops import Hop, Log, make_topic, preload

from hedgerow.schemas.topics import MARKET_ENRICHED

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

ANCHOR = "aiokafka"
# How many messages each way has to bring through: the slow ones fewer, since what one message costs stays the same.
MESSAGES = {ANCHOR: 200_000, "confluent": 200_000, "shell": 200_000, "stock": 20_000, "naive": 8_000}
AIMS = {"shell": "0.3, better 0.5", "stock": "0.10-0.16 was seen", "naive": "0.04 was seen"}
ROUNDS = 2
WARM_UP_SHARE = 0.1
PATIENCE_S = 240.0


def test_one_hop_sustained(own_kafka: str, tmp_path: Path) -> None:
    preload(own_kafka, MARKET_ENRICHED.name, max(MESSAGES.values()))
    found: dict[str, list[Pace]] = {way: [] for way in MESSAGES}
    for number in range(ROUNDS):
        for way, messages in MESSAGES.items():
            found[way].append(pace(own_kafka, way, number, messages, tmp_path))
    print(
        f"\n{'one hop':12}{'messages':>10}{'/s passed':>11}{'x anchor':>10}{'/s of CPU':>11}{'x anchor':>10}   aim"
    )
    for way, paces in found.items():
        passed, of_cpu = (
            median(mine[index] / anchor[index] for mine, anchor in zip(paces, found[ANCHOR], strict=True))
            for index in range(2)
        )
        print(
            f"{way:12}{MESSAGES[way]:>10,}{median(item.passed for item in paces):>11,.0f}{passed:>10.3f}"
            f"{median(item.cpu for item in paces):>11,.0f}{of_cpu:>10.3f}   {AIMS.get(way, '')}"
        )


class Pace(NamedTuple):
    """Messages per second of passed and of the process's processor time."""

    passed: float
    cpu: float


def pace(servers: str, way: str, number: int, messages: int, folder: Path) -> Pace:
    """From when a tenth of the messages was through."""
    out = f"bench.{way}.{number}"
    make_topic(servers, out)
    log = Log(servers, out)
    deadline = time.monotonic() + PATIENCE_S
    begun: tuple[int, float, float] | None = None
    with Hop(way, servers, MARKET_ENRICHED.name, out, f"bench-{way}-{number}", folder) as hop:
        while (count := log.count()) < messages:
            hop.require_alive()
            assert time.monotonic() < deadline, f"{way}: only {count} of {messages} came through"
            if begun is None and count >= messages * WARM_UP_SHARE:
                begun = count, time.monotonic(), hop.cpu_s()
            time.sleep(0.05)
        assert begun is not None
        passed_s, cpu_s = time.monotonic() - begun[1], hop.cpu_s() - begun[2]
    return Pace((count - begun[0]) / passed_s, (count - begun[0]) / cpu_s)
