"""How long to wait before the next attempt. Pure: chance and time come in."""


class Backoff:
    """Doubles from `first_s` to `longest_s`; each wait is between half and all of it, so that many clients that lost
    a venue together do not return together."""

    def __init__(self, first_s: float = 1.0, longest_s: float = 60.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._attempts = 0

    def next_s(self, chance: float) -> float:
        """The wait before the next attempt.

        Args:
            chance: uniform in [0, 1).
        """
        # Beyond 2^16 the longest wait has long been reached, and 2.0**n would overflow in the end.
        wait_s = min(self._longest_s, self._first_s * 2.0 ** min(self._attempts, 16))
        self._attempts += 1
        return wait_s * (0.5 + 0.5 * chance)

    def stood(self, seconds: float) -> None:
        """What was attempted held for so long; as long as the longest wait, and the next failure is the first."""
        if seconds >= self._longest_s:
            self._attempts = 0
