"""`SCENARIO=… make demo`."""

import pytest

from hedgerow.adapters.synthetic.scenarios import Scenario
from hedgerow_local.errors import LocalError
from hedgerow_local.scenario import read_scenario


@pytest.mark.parametrize("name", ["SCENARIO", "HEDGEROW_SCENARIO"])
def test_a_scenario_is_asked_for_by_name(name: str) -> None:
    assert read_scenario({name: "crash"}) is Scenario.CRASH
    assert read_scenario({name: ""}) is None
    assert read_scenario({}) is None


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(LocalError, match="SCENARIO='boom' should be one of calm, crash, squeeze, gap"):
        read_scenario({"SCENARIO": "boom"})
