"""What a run measured, printed as a table at its end."""

import math
from collections.abc import Sequence


class Figures:
    """Rows of (what, value) in the order in which they were measured."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str]] = []

    def add(self, what: str, value: str) -> None:
        self._rows.append((what, value))
        print(f"\n  {what}: {value}", flush=True)

    def add_spread(self, what: str, seconds: Sequence[float]) -> None:
        """Median and 99th percentile of durations."""
        self.add(
            what,
            f"p50 {quantile(seconds, 0.5):.2f} s, p99 {quantile(seconds, 0.99):.2f} s, {len(seconds)} times",
        )

    def table(self) -> str:
        width = max((len(what) for what, _ in self._rows), default=0)
        return "\n".join(f"  {what:<{width}}  {value}" for what, value in self._rows)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
