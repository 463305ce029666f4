"""When a fact is too old to act on, or comes from a clock that runs ahead."""

# Clocks that are kept by NTP agree far better than this; one that does not must not make old facts look fresh.
CLOCK_SLACK_NS = 1_000_000_000


def age_problem(time_ns: int, now_ns: int, limit_ns: int) -> str | None:
    """Why something of `time_ns` cannot be relied on at `now_ns`, in words with its numbers; None when it can."""
    age_ns = now_ns - time_ns
    if age_ns > limit_ns:
        return f"{age_ns / 1e9:.3f} s old, limit {limit_ns / 1e9:g} s"
    if age_ns < -CLOCK_SLACK_NS:
        return f"{-age_ns / 1e9:.3f} s in the future, limit {CLOCK_SLACK_NS / 1e9:g} s: a clock is wrong"
    return None
