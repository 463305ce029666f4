"""Risk in a worker on a real Kafka: what it says is what its log says, whatever happens to the worker."""

import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.codec import Decoder, UndecodableRecord, encode
from hedgerow.schemas.records import Acknowledgement, DeadLetter, RiskInput
from hedgerow.schemas.topics import DEAD_LETTERS, RISK_INPUTS, RISK_STATE, STRATEGY_STATUS
from hedgerow.streams import trace
from hedgerow.streams.partitioning import partition_of

GROUP = "hedgerow-risk"
_inputs = Decoder[RiskInput](RiskInput)
_letters = Decoder[DeadLetter](DeadLetter)


async def replay(cluster: Any, partition: int) -> dict[tuple[str, int], bytes]:
    """Every risk state that the partition's log gives, by strategy and sequence."""
    risk = PartitionRisk()
    states = {}
    for message in await cluster.read(RISK_INPUTS.name, partition):
        try:
            state = risk.apply(_inputs.decode(message.value), message.offset)
        except UndecodableRecord:
            continue
        if state is not None:
            states[(state.strategy, state.sequence)] = encode(state)
    return states


async def said(cluster: Any, keys: list[str]) -> list[tuple[tuple[str, int], bytes]]:
    """Every risk state of these strategies in `risk.state`, doubled ones as well."""
    return [
        ((message.key.decode(), msgspec.json.decode(message.value)["sequence"]), message.value)
        for message in await cluster.read_all(RISK_STATE.name)
        if message.key.decode() in keys
    ]


async def assert_said_equals_replay(cluster: Any, keys: list[str]) -> Counter[tuple[str, int]]:
    """Nothing is missing, nothing differs by a byte; how often each state was said."""
    expected = {}
    for partition in {partition_of(key, 4) for key in keys}:
        states = await replay(cluster, partition)
        expected |= {identity: value for identity, value in states.items() if identity[0] in keys}
    states = await said(cluster, keys)
    assert {identity for identity, _ in states} == set(expected)
    assert [identity for identity, value in states if value != expected[identity]] == []
    return Counter(identity for identity, _ in states)


def all_taken(cluster: Any, keys: list[str]) -> Callable[[], bool]:
    """Whether the group has committed to the end of every partition of these strategies."""
    partitions = {partition_of(key, 4) for key in keys}
    ends = {partition: cluster.end(RISK_INPUTS.name, partition) for partition in partitions}

    def look() -> bool:
        return all(
            cluster.committed(GROUP, RISK_INPUTS.name, partition) >= end for partition, end in ends.items()
        )

    return look


def waiting(cluster: Any) -> int:
    """Inputs that the group has not taken yet, those of other tests included."""
    cluster.flush()
    return sum(
        cluster.end(RISK_INPUTS.name, partition)
        - max(0, cluster.committed(GROUP, RISK_INPUTS.name, partition))
        for partition in range(4)
    )


async def test_inputs_become_states_and_the_generation_is_acknowledged(
    cluster: Any, start_worker: Any, make_feed: Any, eventually: Any
) -> None:
    feed = make_feed(3)
    feed.introduce()
    left = waiting(cluster)
    worker = start_worker("risk").wait_ready()
    feed.send_rounds(5)
    eventually("all inputs taken", all_taken(cluster, feed.keys))

    counts = await assert_said_equals_replay(cluster, feed.keys)
    assert set(counts.values()) == {1}
    states = [msgspec.json.decode(value) for _, value in await said(cluster, feed.keys)]
    assert states[-1]["ready"] is True
    status = {
        message.key.decode(): msgspec.json.decode(message.value, type=Acknowledgement)
        for message in await cluster.read(STRATEGY_STATUS.name)
    }
    assert [status[f"{key}/risk"].generation for key in feed.keys] == [1, 1, 1]
    metrics = worker.get("/metrics")[1]
    received = 'hedgerow_messages_received_total{role="risk",topic="risk.inputs"}'
    assert f"{received} {float(left + 5 * len(feed.keys) * 3)}" in metrics
    assert 'hedgerow_ready{role="risk"} 1.0' in metrics
    assert worker.get("/healthz")[0] == 200


async def test_a_poison_message_becomes_one_dead_letter_with_its_cause_and_the_stream_goes_on(
    cluster: Any, start_worker: Any, make_feed: Any, eventually: Any
) -> None:
    feed = make_feed(1)
    key = feed.keys[0]
    feed.introduce()
    feed.send_rounds(1)
    offset = cluster.end(RISK_INPUTS.name, partition_of(key, 4))
    cluster.send(RISK_INPUTS.name, key, b"{not json")
    cluster.flush()
    feed.send_rounds(2)
    start_worker("risk")
    eventually("all inputs taken", all_taken(cluster, feed.keys))

    letters = [
        (message, letter)
        for message in await cluster.read(DEAD_LETTERS.name)
        if (letter := _letters.decode(message.value)).key == key.encode()
    ]
    assert len(letters) == 1
    message, letter = letters[0]
    assert (letter.role, letter.topic, letter.partition, letter.offset) == (
        "risk",
        "risk.inputs",
        partition_of(key, 4),
        offset,
    )
    assert letter.value == b"{not json"
    assert letter.cause.startswith("UndecodableRecord: JSON is malformed")
    assert trace.trace_id(message.headers)
    assert len(await said(cluster, feed.keys)) == 1 + 3 + 6
    await assert_said_equals_replay(cluster, feed.keys)


async def test_a_worker_killed_mid_stream_loses_no_state_and_changes_no_byte(
    cluster: Any, start_worker: Any, make_feed: Any, eventually: Any
) -> None:
    feed = make_feed(6)
    feed.introduce()
    worker = start_worker("risk").wait_ready()
    mid_stream = 0
    while mid_stream < 3:
        feed.send_rounds(100)
        worker.signal(signal.SIGKILL)
        taken = all_taken(cluster, feed.keys)
        mid_stream += not taken()
        worker = start_worker("risk")
        eventually("all inputs taken", taken)
    await assert_said_equals_replay(cluster, feed.keys)


async def test_a_restarted_worker_goes_on_from_its_checkpoint(
    cluster: Any, start_worker: Any, make_feed: Any, eventually: Any
) -> None:
    feed = make_feed(4)
    feed.introduce()
    feed.send_rounds(50)
    first = start_worker("risk").wait_ready()
    eventually("all inputs taken", all_taken(cluster, feed.keys))
    assert first.signal(signal.SIGTERM) == 0

    feed.send_rounds(50)
    second = start_worker("risk").wait_ready()
    loaded = {line["partition"][1]: line for line in second.logged("state loaded")}
    for partition in {partition_of(key, 4) for key in feed.keys}:
        assert loaded[partition]["checkpoint"] is not None
        assert loaded[partition]["replayed"] == 0
    eventually("all inputs taken", all_taken(cluster, feed.keys))
    counts = await assert_said_equals_replay(cluster, feed.keys)
    assert set(counts.values()) == {1}


async def test_partitions_move_between_two_workers_and_every_state_is_still_the_replay(
    cluster: Any, start_worker: Any, make_feed: Any, eventually: Any
) -> None:
    feed = make_feed(8)
    feed.introduce()
    first = start_worker("risk").wait_ready()
    feed.send_rounds(100)
    second = start_worker("risk")
    feed.send_rounds(100)
    second.wait_ready()
    eventually(
        "both own two",
        lambda: [len(w.logged("assigned")[-1]["partitions"]) for w in (first, second)] == [2, 2],
    )
    feed.send_rounds(100)
    assert first.signal(signal.SIGTERM) == 0
    feed.send_rounds(100)
    eventually("all inputs taken", all_taken(cluster, feed.keys))
    assert len(second.logged("assigned")[-1]["partitions"]) == 4
    await assert_said_equals_replay(cluster, feed.keys)


async def test_sigterm_commits_what_was_done_and_leaves_at_once(
    cluster: Any, start_worker: Any, make_feed: Any, eventually: Any
) -> None:
    feed = make_feed(4)
    feed.introduce()
    first = start_worker("risk").wait_ready()
    feed.send_rounds(200)
    assert first.signal(signal.SIGTERM) == 0
    assert first.logged("worker stopped")[-1]["reason"] is None
    start_worker("risk")
    eventually("all inputs taken", all_taken(cluster, feed.keys))
    counts = await assert_said_equals_replay(cluster, feed.keys)
    assert set(counts.values()) == {1}
