"""How far a venue's clock is ahead of ours. Orders are signed with the venue's time, so that an error here makes its
receive window open too early or close too late."""

# The venue read its clock at some moment of the round trip, so that the middle is wrong by at most half of this.
MAX_ROUND_TRIP_NS = 1_000_000_000


class ClockUncertain(ValueError):
    """The answer came too late to tell the venue's time by."""


def clock_offset_ns(asked_ns: int, venue_ns: int, answered_ns: int) -> int:
    """
    Args:
        asked_ns, answered_ns: on our clock; venue_ns: what the venue answered.

    Raises:
        ClockUncertain: the round trip took so long that the offset could be wrong by more than the receive window and
            the wait for orders that do not show up allow for.
    """
    round_trip_ns = answered_ns - asked_ns
    if not 0 <= round_trip_ns <= MAX_ROUND_TRIP_NS:
        raise ClockUncertain(
            f"asking the venue for its time took {round_trip_ns / 1e9:.3f} s by our clock; its time is told by an "
            f"answer within {MAX_ROUND_TRIP_NS / 1e9:g} s"
        )
    return venue_ns - (asked_ns + answered_ns) // 2
