"""The risk stepper around the pure part."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgerow.schemas.records import Acknowledgement
from hedgerow.schemas.risk_state import RiskState
from hedgerow.streams.context import Incoming
from hedgerow_risk.role import RiskStepper


def incoming(record: Any, offset: int, partition: int = 2) -> Incoming:
    return Incoming(
        topic="risk.inputs",
        partition=partition,
        offset=offset,
        key=record.strategy,
        record=record,
        headers={},
        received_ns=1,
    )


@pytest.fixture
def stepper() -> RiskStepper:
    return RiskStepper("risk", "worker-1", lambda: None)


def test_a_new_generation_is_acknowledged_once(stepper: RiskStepper, make: Any) -> None:
    first = stepper.step(incoming(make.generation(make.config(), number=2), 0))
    again = stepper.step(incoming(make.generation(make.config(), number=2), 1))
    older = stepper.step(incoming(make.generation(make.config(), number=1), 2))
    assert [item.topic for item in first] == ["risk.state", "strategy.status"]
    acknowledgement = first[1].record
    assert isinstance(acknowledgement, Acknowledgement)
    assert first[1].key == "demo/btc/risk"
    assert (acknowledgement.role, acknowledgement.worker) == ("risk", "worker-1")
    assert acknowledgement.generation == 2
    assert [item.topic for item in again] == ["risk.state"]
    assert list(older) == []


def test_a_state_is_keyed_by_its_strategy_and_caused_by_its_input(stepper: RiskStepper, make: Any) -> None:
    stepper.step(incoming(make.generation(make.config()), 0))
    message = incoming(make.mark(), 1)
    (state,) = stepper.step(message)
    assert (state.topic, state.key, state.cause) == ("risk.state", "demo/btc", message)


def test_partitions_are_apart(stepper: RiskStepper, make: Any) -> None:
    stepper.step(incoming(make.generation(make.config()), 0, partition=1))
    assert list(stepper.step(incoming(make.mark(), 0, partition=2))) == []


def test_a_revoked_partition_is_forgotten_and_comes_back_by_its_snapshot(
    stepper: RiskStepper, make: Any
) -> None:
    stepper.step(incoming(make.generation(make.config()), 0))
    stepper.step(incoming(make.book({"BTC/USDT": Decimal(2)}), 1))
    saved = stepper.snapshot(2)
    stepper.revoke("risk.inputs", 2)
    assert list(stepper.step(incoming(make.mark(), 2))) == []
    stepper.restore(2, saved)
    (said,) = stepper.step(incoming(make.mark(), 2))
    assert isinstance(said.record, RiskState)
    assert said.record.exposures[0].delta == 2


def test_an_input_under_anothers_key_is_refused(stepper: RiskStepper, make: Any) -> None:
    message = msgspec.structs.replace(incoming(make.mark(), 0), key="demo/other")
    with pytest.raises(ValueError, match="keyed demo/other but it is an input of demo/btc"):
        stepper.step(message)
