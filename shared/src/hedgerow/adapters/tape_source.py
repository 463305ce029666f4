"""Where tapes come from: what settings say, known to every worker; only who plays tapes imports what reads them."""

from pathlib import Path

import msgspec

from hedgerow.adapters.synthetic.scenarios import Scenario


class TapeSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where tapes come from.

    Attributes:
        recordings: folder of recordings; None makes every tape synthetic.
        seed, interval_ns, scenario: of the synthetic ones; an event each `interval_ns`.
    """

    recordings: Path | None
    seed: int
    interval_ns: int
    scenario: Scenario | None = None
