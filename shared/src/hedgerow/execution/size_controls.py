"""Controls at the claim on how much: order, position, account, and how near the venue is to closing the hedge."""

from decimal import Decimal

from hedgerow.domain.orders import signed
from hedgerow.execution.claim_facts import (
    ClaimFacts,
    Refusal,
    RefusalCode,
    highest_price,
    order_notional,
    reduces,
)
from hedgerow.execution.limits import lowest


def order_control(facts: ClaimFacts) -> Refusal | None:
    """One order is small enough; also one that reduces, which can be sent in parts."""
    if facts.config is None:
        return None
    order = order_notional(facts)
    limit, whose = lowest(
        (facts.config.limits.max_order_notional, "limits.maxOrderNotional"),
        (facts.ceilings.max_order_notional, "the platform's maxOrderNotional"),
    )
    return _beyond(RefusalCode.ORDER_NOTIONAL, "the order is worth", order, limit, whose)


def position_control(facts: ClaimFacts) -> Refusal | None:
    """The strategy's position stays within its limit, unless the order brings it nearer to zero."""
    if facts.config is None or reduces(facts):
        return None
    after = facts.position + facts.at_venue + signed(facts.intent.side, facts.intent.quantity)
    worth = facts.instrument.notional(after, highest_price(facts))
    limit, whose = lowest(
        (facts.config.limits.max_position_notional, "limits.maxPositionNotional"),
        (facts.ceilings.max_position_notional, "the platform's maxPositionNotional"),
    )
    return _beyond(RefusalCode.POSITION_NOTIONAL, "the position would be worth", worth, limit, whose)


def gross_control(facts: ClaimFacts) -> Refusal | None:
    """The account's gross stays within its cap, every order on its way counted, unless the order reduces."""
    if reduces(facts):
        return None
    gross = facts.account_gross_notional + order_notional(facts)
    limit, whose = lowest(
        (facts.venue.max_gross_notional, "the Venue's limits.maxGrossNotional"),
        (facts.ceilings.max_gross_notional, "the platform's maxGrossNotional"),
    )
    return _beyond(RefusalCode.GROSS_NOTIONAL, "the account would carry a gross of", gross, limit, whose)


def liquidation_control(facts: ClaimFacts) -> Refusal | None:
    """The venue is far from closing the hedge by itself; nearer, only what reduces it may be sent."""
    config, ticker, price = facts.config, facts.ticker, facts.liquidation_price
    if config is None or ticker is None or price is None or reduces(facts):
        return None
    least = config.limits.min_liquidation_distance
    distance = abs(ticker.mid - price) / ticker.mid
    if least is None or distance >= least:
        return None
    return Refusal(
        code=RefusalCode.LIQUIDATION_DISTANCE,
        detail=f"the venue would liquidate the position at {price:f}, {distance:.6f} of the mid {ticker.mid:f} away, "
        f"limits.minLiquidationDistance is {least:f}",
    )


def _beyond(
    code: RefusalCode, what: str, found: Decimal, limit: Decimal | None, whose: str
) -> Refusal | None:
    if limit is None or found <= limit:
        return None
    return Refusal(code=code, detail=f"{what} {found:.2f}, {whose} is {limit:f}")
