"""What a venue holds and the ledger cannot account for, orders on their way counted. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO, plain
from hedgerow.domain.orders import signed
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import OPEN
from hedgerow.strategy.compiled import Mode


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """`key` names what is wrong, without the numbers of the moment; `words` tells it with them."""

    key: str
    words: str


def position_drifts(
    ledger: Mapping[str, Decimal], venue: Mapping[str, Decimal], moving: Iterable[Intent]
) -> list[Drift]:
    """By instrument, in signed contracts.

    Args:
        moving: intents that are open, or were sent so lately that the venue's positions may not show their fills yet.
            Each may have moved the venue's position by anything between nothing and all of it.
    """
    low, high = dict(ledger), dict(ledger)
    for intent in moving:
        if intent.mode is Mode.SHADOW:
            continue
        whole = intent.quantity if intent.state in OPEN else intent.filled_quantity
        for edge, least in ((low, True), (high, False)):
            # From before its first fill, whether the venue shows nothing of it or everything.
            unseen = signed(intent.side, intent.filled_quantity)
            reach = signed(intent.side, whole)
            move = min(ZERO, reach) if least else max(ZERO, reach)
            edge[intent.instrument] = edge.get(intent.instrument, ZERO) - unseen + move
    return [
        drift
        for symbol in sorted(venue.keys() | low.keys())
        for drift in _drifts(symbol, venue.get(symbol, ZERO), low.get(symbol, ZERO), high.get(symbol, ZERO))
    ]


def _drifts(symbol: str, held: Decimal, low: Decimal, high: Decimal) -> list[Drift]:
    if low <= held <= high:
        return []
    known = plain(low) if low == high else f"{plain(low)} to {plain(high)}, orders on their way counted"
    return [
        Drift(
            key=f"{symbol} {'above' if held > high else 'below'}",
            words=f"{symbol}: the venue holds {plain(held)} contracts, the ledger {known}",
        )
    ]
