"""Which risk states wait to be decided, and in which order."""

import hedge_examples as example

from hedgerow.streams.context import Incoming
from hedgerow_hedging.newest import NewestRisk


def state(strategy: str, sequence: int, partition: int = 0) -> Incoming:
    record = example.risk(strategy=strategy, sequence=sequence)
    return Incoming(
        topic="risk.state",
        partition=partition,
        offset=sequence,
        key=strategy,
        record=record,
        headers={},
        received_ns=sequence,
    )


def test_a_busy_strategy_does_not_overtake_one_that_waits() -> None:
    newest = NewestRisk()
    for strategy, sequence in (("desk/quiet", 1), ("desk/busy", 1), ("desk/busy", 2), ("desk/busy", 3)):
        newest.step(state(strategy, sequence))
    assert list(newest.dirty) == ["desk/quiet", "desk/busy"]


def test_a_revoked_partition_takes_its_strategies_and_no_others() -> None:
    newest = NewestRisk()
    newest.step(state("desk/here", 1, partition=0))
    newest.step(state("desk/moves", 1, partition=1))
    newest.revoke("risk.state", 1)
    assert (set(newest.states), set(newest.dirty), newest.gone) == (
        {"desk/here"},
        {"desk/here"},
        {"desk/moves"},
    )
