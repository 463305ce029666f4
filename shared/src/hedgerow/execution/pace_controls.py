"""Controls at the claim on how often and at what cost. Those of cost never stop an order that reduces."""

from decimal import Decimal

from hedgerow.execution.claim_facts import ClaimFacts, Refusal, RefusalCode, order_notional, reduces
from hedgerow.execution.limits import lowest


def turnover_control(facts: ClaimFacts) -> Refusal | None:
    """The strategy's turnover of this day, the order included."""
    if facts.config is None or reduces(facts):
        return None
    limit, whose = lowest(
        (facts.config.limits.max_daily_turnover, "limits.maxDailyTurnover"),
        (facts.ceilings.max_daily_turnover, "the platform's maxDailyTurnover"),
    )
    turnover = facts.turnover_today + order_notional(facts)
    if limit is None or turnover <= limit:
        return None
    return Refusal(
        code=RefusalCode.DAILY_TURNOVER,
        detail=f"today's turnover would be {turnover:.2f}, {whose} is {limit:f}",
    )


def loss_control(facts: ClaimFacts) -> Refusal | None:
    """What the hedge lost this day, of the strategy and of the account. A loss that cannot be told is no small one."""
    if facts.config is None or reduces(facts):
        return None
    limits = (
        (
            "the hedge",
            facts.loss_today,
            lowest(
                (facts.config.limits.max_daily_loss, "limits.maxDailyLoss"),
                (facts.ceilings.max_daily_loss, "the platform's maxDailyLoss"),
            ),
        ),
        (
            "the account",
            facts.account_loss_today,
            lowest((facts.venue.max_daily_loss, "the Venue's limits.maxDailyLoss")),
        ),
    )
    for what, lost, (limit, whose) in limits:
        refusal = None if limit is None else _lost(facts, what, lost, limit, whose)
        if refusal is not None:
            return refusal
    return None


def _lost(facts: ClaimFacts, what: str, lost: Decimal, limit: Decimal, whose: str) -> Refusal | None:
    if facts.unmarked:
        return Refusal(
            code=RefusalCode.DAILY_LOSS,
            detail=f"what {what} lost today cannot be told: the venue shows no sound price of "
            f"{', '.join(facts.unmarked)}; {whose} is {limit:f}",
        )
    if lost <= limit:
        return None
    return Refusal(
        code=RefusalCode.DAILY_LOSS, detail=f"{what} has lost {lost:.2f} today, {whose} is {limit:f}"
    )


def repeat_control(facts: ClaimFacts) -> Refusal | None:
    """The same order is not sent over and over: as when what is filled never shows in what is decided on."""
    if facts.config is None or reduces(facts):
        return None
    most = facts.config.limits.max_repeated_orders
    if most is None or facts.repeated_orders < most:
        return None
    return Refusal(
        code=RefusalCode.REPEATED_ORDER,
        detail=f"{facts.repeated_orders} orders in a row were a {facts.intent.side} of {facts.intent.instrument} in "
        f"the last minute, limits.maxRepeatedOrders is {most}",
    )


def rate_control(facts: ClaimFacts) -> Refusal | None:
    """Orders of the strategy in a minute, of the account in a second; what reduces has a pace too."""
    if facts.config is not None:
        ceiling = facts.ceilings.max_orders_per_minute
        limit, whose = lowest(
            (Decimal(facts.config.limits.max_orders_per_minute), "limits.maxOrdersPerMinute"),
            (None if ceiling is None else Decimal(ceiling), "the platform's maxOrdersPerMinute"),
        )
        if limit is not None and facts.orders_last_minute >= limit:
            return Refusal(
                code=RefusalCode.ORDER_RATE,
                detail=f"{facts.orders_last_minute} orders in the last minute, {whose} is {limit:f}",
            )
    if facts.orders_last_second >= facts.venue.orders_per_second:
        return Refusal(
            code=RefusalCode.ORDER_RATE,
            detail=f"{facts.orders_last_second} orders in the last second on the account, the Venue's "
            f"limits.ordersPerSecond is {facts.venue.orders_per_second}",
        )
    return None
