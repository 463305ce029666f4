"""The market weather that was asked for: `SCENARIO=crash make demo`."""

import os
from collections.abc import Mapping

from hedgerow.adapters.synthetic.scenarios import Scenario
from hedgerow_local.errors import LocalError

ASKED = "SCENARIO"
SETTING = "HEDGEROW_SCENARIO"


def read_scenario(environment: Mapping[str, str] = os.environ) -> Scenario | None:
    """The scenario of this run; None when none was asked for.

    Raises:
        LocalError: there is none of this name.
    """
    asked = environment.get(ASKED) or environment.get(SETTING)
    if not asked:
        return None
    try:
        return Scenario(asked)
    except ValueError:
        raise LocalError(f"{ASKED}={asked!r} should be one of {', '.join(Scenario)}") from None
