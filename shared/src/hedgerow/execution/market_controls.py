"""Controls at the claim that hold the order against the venue's own market."""

from hedgerow.domain.age import age_problem
from hedgerow.domain.money import BPS
from hedgerow.execution.claim_facts import ClaimFacts, Refusal, RefusalCode
from hedgerow.execution.intents import Ticker
from hedgerow.execution.limits import lowest

# Further than this between two polls the venue's mid is not believed, once: the next poll measures from it.
MAX_JUMP_BPS = 500


def ticker_control(facts: ClaimFacts) -> Refusal | None:
    """The venue's touch was seen, is fresh, finite, not crossed, and did not just jump."""
    ticker, config = facts.ticker, facts.config
    if ticker is None or config is None:
        return Refusal(code=RefusalCode.STALE_TICKER, detail="the venue's own ticker was not seen yet")
    problem = age_problem(ticker.time_ns, facts.now_ns, config.freshness.quote_ns)
    if problem is not None:
        return Refusal(code=RefusalCode.STALE_TICKER, detail=f"the venue's ticker is {problem}")
    invalid = ticker_problem(ticker)
    if invalid is not None:
        return Refusal(code=RefusalCode.INVALID_TICKER, detail=f"the venue's ticker {invalid}")
    return None


def ticker_problem(ticker: Ticker) -> str | None:
    """Why the touch cannot be relied on, or None."""
    if not ticker.is_sound:
        return f"is crossed, empty or not finite: bid {ticker.bid:f}, ask {ticker.ask:f}"
    before = ticker.previous_mid
    if before is None:
        return None
    moved_bps = abs(ticker.mid - before) / before * BPS
    if moved_bps > MAX_JUMP_BPS:
        return f"jumped: mid {before:f} to {ticker.mid:f} is {moved_bps:.1f} bps, allowed are {MAX_JUMP_BPS}"
    return None


def collar_control(facts: ClaimFacts) -> Refusal | None:
    """The limit is near the venue's mid: not the touch, which a thin book may have anywhere."""
    ticker, config, price = facts.ticker, facts.config, facts.intent.limit_price
    if ticker is None or config is None:
        return None
    collar, whose = lowest(
        (config.limits.price_collar_bps, "limits.priceCollarBps"),
        (facts.ceilings.price_collar_bps, "the platform's priceCollarBps"),
    )
    away_bps = abs(price - ticker.mid) / ticker.mid * BPS
    if collar is None or away_bps <= collar:
        return None
    return Refusal(
        code=RefusalCode.PRICE_COLLAR,
        detail=f"price {price:f} is {away_bps:.1f} bps from the venue's mid {ticker.mid:f}, "
        f"{whose} is {collar:f}",
    )
