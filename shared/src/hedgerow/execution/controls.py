"""Controls at the claim: the last pure check before an order may leave the house. Each refusal has a code."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.age import age_problem
from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import BPS
from hedgerow.domain.orders import Side, signed
from hedgerow.execution.intents import Intent, Ticker
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue, Mode

# A decision older than this is not sent any more: the level loop has newer states to decide on.
MAX_DECISION_AGE_NS = 5_000_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


class RefusalCode(StrEnum):
    HALTED = "Halted"
    STALE_DECISION = "StaleDecision"
    SUPERSEDED = "Superseded"
    NOT_PERMITTED = "NotPermitted"
    OFF_TICK = "OffTick"
    OFF_LOT = "OffLot"
    BELOW_MINIMUM = "BelowMinimum"
    STALE_TICKER = "StaleTicker"
    INVALID_TICKER = "InvalidTicker"
    PRICE_COLLAR = "PriceCollar"
    ORDER_NOTIONAL = "OrderNotional"
    POSITION_NOTIONAL = "PositionNotional"
    GROSS_NOTIONAL = "GrossNotional"
    ORDER_RATE = "OrderRate"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why an intent is never sent, with the numbers."""

    code: RefusalCode
    detail: str


class ClaimFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the controls look at, read in the claim's own transaction.

    Attributes:
        config: of the ledger's current generation; None when the strategy is gone.
        position: the strategy's signed position in the instrument, in contracts.
        at_venue: signed contracts of the strategy's other intents in this instrument that the venue may hold
            (an Unknown one counts as filled).
        account_gross_notional: of all positions and orders on the account before this one, in quote currency.
        orders_last_minute: of the strategy; orders_last_second: of the account.
    """

    intent: Intent
    instrument: Instrument
    config: CompiledStrategy | None
    generation: int
    venue: CompiledVenue
    halts: tuple[str, ...]
    ticker: Ticker | None
    position: Decimal
    at_venue: Decimal
    account_gross_notional: Decimal
    orders_last_minute: int
    orders_last_second: int
    now_ns: int


def check(facts: ClaimFacts) -> Refusal | None:
    """The first control that refuses, or None when the order may be sent."""
    for control in _CONTROLS:
        refusal = control(facts)
        if refusal is not None:
            return refusal
    return None


def reduces(facts: ClaimFacts) -> bool:
    """Whether the order brings the strategy's position nearer to zero, everything at the venue counted."""
    before = facts.position + facts.at_venue
    after = before + signed(facts.intent.side, facts.intent.quantity)
    return abs(after) < abs(before)


def _halted(facts: ClaimFacts) -> Refusal | None:
    if not facts.halts:
        return None
    return Refusal(code=RefusalCode.HALTED, detail="; ".join(facts.halts))


def _stale_decision(facts: ClaimFacts) -> Refusal | None:
    problem = age_problem(facts.intent.decided_ns, facts.now_ns, MAX_DECISION_AGE_NS)
    if problem is None:
        return None
    return Refusal(code=RefusalCode.STALE_DECISION, detail=f"the decision is {problem}")


def _superseded(facts: ClaimFacts) -> Refusal | None:
    if facts.config is not None and facts.generation == facts.intent.generation:
        return None
    now = "gone" if facts.config is None else f"at generation {facts.generation}"
    return Refusal(
        code=RefusalCode.SUPERSEDED,
        detail=f"decided under generation {facts.intent.generation}, the strategy is {now}",
    )


def _not_permitted(facts: ClaimFacts) -> Refusal | None:
    intent, config = facts.intent, facts.config
    if config is None:
        return None
    legs = {(leg.venue, leg.account, leg.instrument.symbol) for leg in config.hedge_with}
    if (intent.venue, intent.account, intent.instrument) not in legs or config.mode is not intent.mode:
        return Refusal(
            code=RefusalCode.NOT_PERMITTED,
            detail=f"{intent.mode} trading of {intent.instrument} on {intent.venue} account {intent.account} "
            "is not in the strategy's hedgeWith",
        )
    if intent.mode is Mode.PAPER and facts.venue.environment != "Paper":
        return Refusal(
            code=RefusalCode.NOT_PERMITTED,
            detail=f"mode Paper on a {facts.venue.environment} venue; Paper trades only on the built-in exchange",
        )
    if intent.mode is not Mode.SHADOW and not facts.venue.trading_enabled:
        return Refusal(code=RefusalCode.NOT_PERMITTED, detail=f"trading on {facts.venue.key} is Disabled")
    return None


def _grid(facts: ClaimFacts) -> Refusal | None:
    intent, instrument = facts.intent, facts.instrument
    if not instrument.is_on_tick(intent.limit_price):
        return Refusal(
            code=RefusalCode.OFF_TICK,
            detail=f"price {intent.limit_price:f} is no multiple of the tick {instrument.tick_size:f}",
        )
    if not instrument.is_on_lot(intent.quantity):
        return Refusal(
            code=RefusalCode.OFF_LOT,
            detail=f"quantity {intent.quantity:f} is no multiple of the lot {instrument.lot_size:f}",
        )
    notional = instrument.notional(intent.quantity, intent.limit_price)
    if intent.quantity < instrument.min_quantity or notional < instrument.min_notional:
        return Refusal(
            code=RefusalCode.BELOW_MINIMUM,
            detail=f"{intent.quantity:f} contracts worth {notional:f} {instrument.quote}; the venue's minimum is "
            f"{instrument.min_quantity:f} and {instrument.min_notional:f} {instrument.quote}",
        )
    return None


def _ticker(facts: ClaimFacts) -> Refusal | None:
    ticker, config = facts.ticker, facts.config
    if ticker is None or config is None:
        return Refusal(code=RefusalCode.STALE_TICKER, detail="the venue's own ticker was not seen yet")
    problem = age_problem(ticker.time_ns, facts.now_ns, config.freshness.quote_ns)
    if problem is not None:
        return Refusal(code=RefusalCode.STALE_TICKER, detail=f"the venue's ticker is {problem}")
    finite = ticker.bid.is_finite() and ticker.ask.is_finite()
    if not (finite and 0 < ticker.bid < ticker.ask):
        return Refusal(
            code=RefusalCode.INVALID_TICKER,
            detail=f"the venue's ticker is crossed, empty or not finite: bid {ticker.bid:f}, ask {ticker.ask:f}",
        )
    return None


def _collar(facts: ClaimFacts) -> Refusal | None:
    ticker, config, price = facts.ticker, facts.config, facts.intent.limit_price
    if ticker is None or config is None:
        return None
    mid = (ticker.bid + ticker.ask) / 2
    away_bps = abs(price - mid) / mid * BPS
    if away_bps <= config.limits.price_collar_bps:
        return None
    return Refusal(
        code=RefusalCode.PRICE_COLLAR,
        detail=f"price {price:f} is {away_bps:.1f} bps from the venue's mid {mid:f}, "
        f"limits.priceCollarBps is {config.limits.price_collar_bps:f}",
    )


def _notional(facts: ClaimFacts) -> Refusal | None:
    intent, instrument, config = facts.intent, facts.instrument, facts.config
    if config is None:
        return None
    price = _highest_price(facts)
    order = instrument.notional(intent.quantity, price)
    if order > config.limits.max_order_notional:
        return Refusal(
            code=RefusalCode.ORDER_NOTIONAL,
            detail=f"the order is worth {order:.2f}, limits.maxOrderNotional is "
            f"{config.limits.max_order_notional:f}",
        )
    if reduces(facts):
        return None
    after = facts.position + facts.at_venue + signed(intent.side, intent.quantity)
    position = instrument.notional(after, price)
    if position > config.limits.max_position_notional:
        return Refusal(
            code=RefusalCode.POSITION_NOTIONAL,
            detail=f"the position would be worth {position:.2f}, limits.maxPositionNotional is "
            f"{config.limits.max_position_notional:f}",
        )
    gross = facts.account_gross_notional + order
    if gross > facts.venue.max_gross_notional:
        return Refusal(
            code=RefusalCode.GROSS_NOTIONAL,
            detail=f"the account would carry {gross:.2f} gross, the Venue's limits.maxGrossNotional is "
            f"{facts.venue.max_gross_notional:f}",
        )
    return None


def _highest_price(facts: ClaimFacts) -> Decimal:
    # A sell's limit is the least it may get; what it is worth is the touch, so the higher of the two counts.
    limit = facts.intent.limit_price
    if facts.intent.side is Side.BUY or facts.ticker is None:
        return limit
    return max(limit, facts.ticker.bid)


def _rate(facts: ClaimFacts) -> Refusal | None:
    config = facts.config
    if config is not None and facts.orders_last_minute >= config.limits.max_orders_per_minute:
        return Refusal(
            code=RefusalCode.ORDER_RATE,
            detail=f"{facts.orders_last_minute} orders in the last minute, limits.maxOrdersPerMinute is "
            f"{config.limits.max_orders_per_minute}",
        )
    if facts.orders_last_second >= facts.venue.orders_per_second:
        return Refusal(
            code=RefusalCode.ORDER_RATE,
            detail=f"{facts.orders_last_second} orders in the last second on the account, the Venue's "
            f"limits.ordersPerSecond is {facts.venue.orders_per_second}",
        )
    return None


_CONTROLS: tuple[Callable[[ClaimFacts], Refusal | None], ...] = (
    _halted,
    _stale_decision,
    _superseded,
    _not_permitted,
    _grid,
    _ticker,
    _collar,
    _notional,
    _rate,
)
