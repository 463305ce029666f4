"""Which instruments live strategies hedge with, by Venue: on its account they are hedges and no exposure."""

from collections import defaultdict

from hedgerow.strategy.compiled import CompiledStrategy


class HedgedInstruments:
    """Kept as strategies come, change and go, so that asking costs nothing that grows with them."""

    def __init__(self) -> None:
        self._legs: dict[str, frozenset[tuple[str, str]]] = {}
        # By Venue and instrument: the strategies that hedge with it. It is one; two only while it changes hands.
        self._users: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def declare(self, strategy: str, config: CompiledStrategy | None) -> None:
        """What a strategy hedges with from now on; None when it is taken away."""
        for venue, instrument in self._legs.pop(strategy, frozenset()):
            self._users[venue][instrument].discard(strategy)
        if config is None:
            return
        legs = frozenset((leg.venue, leg.instrument.symbol) for leg in config.hedge_with)
        self._legs[strategy] = legs
        for venue, instrument in legs:
            self._users[venue][instrument].add(strategy)

    def on(self, venue: str) -> tuple[str, ...]:
        """The instruments, sorted."""
        used = self._users.get(venue, {})
        return tuple(sorted(instrument for instrument, users in used.items() if users))
