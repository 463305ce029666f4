"""Controls at the claim: the last pure check before an order may leave the house. Each refusal has a code.

Halts, age, permission, the venue's rules and grid, its market, legs that go together and the pace hold for every order.
Limits on position, account, liquidation, turnover, loss, repetition and funds let an order through that reduces the
strategy's position: a breached limit never keeps a hedge from coming off.
"""

from collections.abc import Callable

from hedgerow.domain.age import age_problem
from hedgerow.domain.currencies import at_par
from hedgerow.execution.claim_facts import SECOND_NS, ClaimFacts, Refusal, RefusalCode
from hedgerow.execution.funds_controls import funds_control, other_accounts_control, together_control
from hedgerow.execution.market_controls import collar_control, ticker_control
from hedgerow.execution.pace_controls import loss_control, rate_control, repeat_control, turnover_control
from hedgerow.execution.size_controls import (
    gross_control,
    liquidation_control,
    order_control,
    position_control,
)
from hedgerow.strategy.compiled import ENVIRONMENTS, Mode

# A decision older than this is not sent any more: the level loop has newer states to decide on.
MAX_DECISION_AGE_NS = 5 * SECOND_NS


def check(facts: ClaimFacts) -> Refusal | None:
    """The first control that refuses, or None when the order may be sent."""
    for control in _CONTROLS:
        refusal = control(facts)
        if refusal is not None:
            return refusal
    return None


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
    if facts.venue.prices != facts.opened:
        return Refusal(
            code=RefusalCode.NOT_PERMITTED,
            detail=f"{facts.venue.key} is {facts.venue.prices} now, and the executor still speaks to {facts.opened}",
        )
    environments = ENVIRONMENTS[intent.mode]
    if facts.venue.environment not in environments:
        return Refusal(
            code=RefusalCode.NOT_PERMITTED,
            detail=f"mode {intent.mode} on a {facts.venue.environment} venue; it trades on "
            f"{' and '.join(environments)} only",
        )
    if intent.mode is not Mode.SHADOW and not facts.venue.trading_enabled:
        return Refusal(code=RefusalCode.NOT_PERMITTED, detail=f"trading on {facts.venue.key} is Disabled")
    return None


def _currency(facts: ClaimFacts) -> Refusal | None:
    config, quote = facts.config, facts.instrument.quote
    if config is None or at_par(quote, config.currency):
        return None
    return Refusal(
        code=RefusalCode.CURRENCY,
        detail=f"{facts.intent.instrument} is quoted in {quote}, which no limit in {config.currency} can count",
    )


def _market_rules(facts: ClaimFacts) -> Refusal | None:
    if facts.market_problem is None:
        return None
    return Refusal(code=RefusalCode.MARKET_RULES, detail=facts.market_problem)


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


_CONTROLS: tuple[Callable[[ClaimFacts], Refusal | None], ...] = (
    _halted,
    _stale_decision,
    _superseded,
    _not_permitted,
    _currency,
    _market_rules,
    _grid,
    together_control,
    ticker_control,
    collar_control,
    order_control,
    position_control,
    gross_control,
    liquidation_control,
    turnover_control,
    loss_control,
    repeat_control,
    rate_control,
    funds_control,
    other_accounts_control,
)
