"""Where an LTV ladder stood in a session, and whether it was hedged there: the ledger's decisions and fills. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec

from hedgerow.domain.money import ZERO, plain
from hedgerow.hedging.ladder import LadderStanding, LtvState
from hedgerow_local.exposure import HedgeFill, RiskSample

# Of the exposure. What rounding to the lot may leave out of the hedge of a part of one.
ROUNDING = Decimal("0.005")


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """A state of the ladder as the decision that entered it saw it.

    Attributes:
        ltv: of the loan; wants: the fraction of the exposure that the state has hedged.
        exposure: unhedged delta; zone: what of it may be missing from the hedge, as worth in the strategy's currency.
    """

    standing: LadderStanding
    ltv: Decimal
    wants: Decimal
    exposure: Decimal
    zone: Decimal


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """One stay of the ladder in a state. Fractions are of the unhedged delta.

    Attributes:
        until_ns: None in the state where the ladder stands now.
        hedged: the fraction that came nearest to what the state wants; hedged_ns: when that was as it should be, None
            when it never was.
    """

    state: LtvState
    since_ns: int
    until_ns: int | None
    ltv: Decimal
    wants: Decimal
    hedged: Decimal
    hedged_ns: int | None


class LadderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The states that one strategy's ladder entered, in the order of time, as it holds for one underlying."""

    strategy: str
    uid: str
    underlying: str
    entered: tuple[Entered, ...]


class Climb(msgspec.Struct, frozen=True, kw_only=True):
    """What a ladder did in the session, state by state."""

    strategy: str
    underlying: str
    stays: tuple[Stay, ...]


def climb_of(record: LadderRecord, fills: Iterable[HedgeFill], samples: Iterable[RiskSample]) -> Climb:
    """
    Args:
        fills: all that the ledger holds, those from before the session included: they are the hedge it began with.
        samples: of what risk published; the lowest price of a stay says how wide its zone may be.
    """
    key = (record.uid, record.underlying)
    own = sorted(
        (fill for fill in fills if (fill.uid, fill.underlying) == key), key=lambda fill: fill.time_ns
    )
    prices = [(sample.time_ns, sample.mark) for sample in samples if (sample.uid, sample.underlying) == key]
    following = (*record.entered[1:], None)  # one too long where none was entered
    return Climb(
        strategy=record.strategy,
        underlying=record.underlying,
        stays=tuple(
            _stay(item, left, own, prices) for item, left in zip(record.entered, following, strict=False)
        ),
    )


def as_json(climb: Climb) -> dict[str, Any]:
    """As the report's file holds it; fractions as strings."""
    return {
        "strategy": climb.strategy,
        "underlying": climb.underlying,
        "stays": [
            {
                **msgspec.to_builtins(stay),
                **{name: plain(round(getattr(stay, name), 8)) for name in ("ltv", "wants", "hedged")},
            }
            for stay in climb.stays
        ],
    }


def problems_of(climbs: Sequence[Climb]) -> list[str]:
    """Why a market that fell and came back was not shown; empty when it was."""
    if not climbs:
        return ["no strategy has an LTV ladder that could climb"]
    return [text for climb in climbs for text in _problems(climb)]


def _problems(climb: Climb) -> list[str]:
    """One whole way up and down is what is asked for: a session begins and ends anywhere in a lap of the market."""
    if not any(stay.state is LtvState.CRITICAL for stay in climb.stays):
        return [f"{climb.strategy}: its LTV ladder did not climb to Critical; run it for two laps, 120 s"]
    trips = round_trips(climb.stays)
    if not trips:
        wanted = "climb from Normal to Critical and come back"
        return [f"{climb.strategy}: its LTV ladder did not {wanted}; run it for two laps, 120 s"]
    left_open = min(([stay for stay in trip if _left_open(stay)] for trip in trips), key=len)
    return [
        f"{climb.strategy}: in {stay.state} {stay.wants:.0%} should be hedged, and the nearest was {stay.hedged:.1%}"
        for stay in left_open
    ]


def _left_open(stay: Stay) -> bool:
    """Left without ever having been hedged; in the state that stands it may be under way."""
    return stay.until_ns is not None and stay.hedged_ns is None


def round_trips(stays: Sequence[Stay]) -> list[Sequence[Stay]]:
    """Each way from Normal through Critical to the next Normal, both included."""
    calm = [number for number, stay in enumerate(stays) if stay.state is LtvState.NORMAL]
    ways = [stays[begin : end + 1] for begin, end in pairwise(calm)]
    return [way for way in ways if any(stay.state is LtvState.CRITICAL for stay in way)]


def _stay(
    item: Entered,
    following: Entered | None,
    fills: Sequence[HedgeFill],
    prices: Sequence[tuple[int, Decimal]],
) -> Stay:
    since_ns = item.standing.since_ns
    until_ns = None if following is None else following.standing.since_ns
    lowest = min(
        (price for time_ns, price in prices if time_ns >= since_ns and _before(time_ns, until_ns)),
        default=None,
    )
    zone = ZERO if lowest is None else item.zone / lowest / abs(item.exposure)
    best: tuple[Decimal, Decimal, int] | None = None
    for time_ns, fraction in _fractions(item, fills, until_ns):
        off = max(item.wants - zone - fraction, fraction - item.wants, ZERO)
        if best is None or off < best[0]:
            best = (off, fraction, max(time_ns, since_ns))
    assert best is not None
    off, hedged, hedged_ns = best
    return Stay(
        state=item.standing.state,
        since_ns=since_ns,
        until_ns=until_ns,
        ltv=item.ltv,
        wants=item.wants,
        hedged=hedged,
        hedged_ns=hedged_ns if off <= ROUNDING else None,
    )


def _fractions(
    item: Entered, fills: Sequence[HedgeFill], until_ns: int | None
) -> Iterator[tuple[int, Decimal]]:
    """The hedge that the state was entered with, and after each fill until it was left."""
    hedge, since_ns = ZERO, item.standing.since_ns
    for fill in fills:
        if fill.time_ns <= since_ns:
            hedge += fill.delta
    yield since_ns, -hedge / item.exposure
    for fill in fills:
        if fill.time_ns > since_ns and _before(fill.time_ns, until_ns):
            hedge += fill.delta
            yield fill.time_ns, -hedge / item.exposure


def _before(time_ns: int, until_ns: int | None) -> bool:
    return until_ns is None or time_ns < until_ns
