"""Controls at the claim on legs that go together, and on what the account can put up for them."""

from decimal import Decimal

from hedgerow.domain.age import age_problem
from hedgerow.domain.instruments import Instrument, find_instrument
from hedgerow.domain.money import ZERO
from hedgerow.execution.claim_facts import (
    SECOND_NS,
    Claimable,
    ClaimFacts,
    Funds,
    Refusal,
    RefusalCode,
    highest_price,
    reduces,
)
from hedgerow.execution.order_life import IntentState
from hedgerow.strategy.compiled import Mode

# The executor asks every second or two; a venue that did not answer for so long may have moved far.
MAX_FUNDS_AGE_NS = 15 * SECOND_NS
_ENDED_UNSENT = (IntentState.REFUSED, IntentState.EXPIRED, IntentState.REJECTED)


def together_control(facts: ClaimFacts) -> Refusal | None:
    """Where legs go together, none goes once another one of its decision was refused, by us or by the venue."""
    if facts.config is None or not facts.config.execution.together:
        return None
    for other in facts.companions:
        if other.state in _ENDED_UNSENT:
            return Refusal(
                code=RefusalCode.LEGS_TOGETHER,
                detail=f"intent {other.id} in {other.instrument}, which was to go with it, is {other.state}",
            )
    return None


def funds_control(facts: ClaimFacts) -> Refusal | None:
    """The account can put up the initial margin of the order, and of the legs that go together with it, unless the
    order reduces. Cash instruments, and contracts whose leverage the venue does not tell, are left to the venue.

    Fees are not counted, nor what others hold back since the venue was asked: it has the last word.
    """
    config, intent, funds = facts.config, facts.intent, facts.funds
    if config is None or intent.mode is Mode.SHADOW or facts.instrument.is_cash or reduces(facts):
        return None
    if funds is None:
        return Refusal(code=RefusalCode.STALE_FUNDS, detail="what the account can put up was not seen yet")
    problem = age_problem(funds.time_ns, facts.now_ns, MAX_FUNDS_AGE_NS)
    if problem is not None:
        return Refusal(
            code=RefusalCode.STALE_FUNDS, detail=f"what the venue told of the account's funds is {problem}"
        )
    closes = max(ZERO, -intent.side.sign * (facts.position + facts.at_venue))
    own = margin(funds, facts.instrument, max(ZERO, intent.quantity - closes), highest_price(facts))
    if own is None:
        return None
    with_it = _companions_margin(facts, funds)
    promised = sum((_margin_of(funds, order) for order in facts.claimed_since_funds), ZERO)
    if own + with_it + promised <= funds.available:
        return None
    return Refusal(
        code=RefusalCode.INSUFFICIENT_FUNDS,
        detail=f"initial margin of {own:.2f} is needed"
        + (f", {with_it:.2f} for the legs that go with it" if with_it else "")
        + (f", {promised:.2f} for orders sent since the venue was asked" if promised else "")
        + f"; the account had {funds.available:.2f} available "
        f"{(facts.now_ns - funds.time_ns) / 1e9:.1f} s ago",
    )


def margin(funds: Funds, instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal | None:
    """What the venue asks for so many contracts at this price; None when it tells no leverage of the instrument."""
    leverage = funds.leverage.get(instrument.symbol)
    return None if leverage is None else instrument.notional(quantity, price) / leverage


def _companions_margin(facts: ClaimFacts, funds: Funds) -> Decimal:
    """Of the legs on this account that are still to go. What they would close is not looked up: they count whole."""
    if facts.config is None or not facts.config.execution.together:
        return ZERO
    waiting = (item for item in facts.companions if item.state is IntentState.DECIDED and item.on_account)
    return sum((_margin_of(funds, item) for item in waiting), ZERO)


def _margin_of(funds: Funds, order: Claimable) -> Decimal:
    return margin(funds, find_instrument(order.instrument), order.quantity, order.limit_price) or ZERO
