"""Controls at the claim on legs that go together, and on what the accounts can put up for them."""

from collections.abc import Sequence
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
    opens,
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
    """The account can put up the initial margin of the order, and of the legs on it that go together with it, unless
    the order reduces. Cash instruments, and contracts whose leverage the venue does not tell, are left to the venue.

    Fees are not counted, nor what others hold back since the venue was asked: it has the last word.
    """
    if _is_exempt(facts):
        return None
    intent, funds = facts.intent, facts.funds
    with_it = [item for item in _still_to_go(facts) if (item.venue, item.account) == _account(facts)]
    if facts.instrument.is_cash and not with_it:
        return None
    problem = _unseen(funds, facts.now_ns)
    if funds is None or problem is not None:
        return Refusal(code=RefusalCode.STALE_FUNDS, detail=f"the account's {problem}")
    own = ZERO
    if not facts.instrument.is_cash:
        opened = opens(intent.side, intent.quantity, facts.position + facts.at_venue)
        own = margin(funds, facts.instrument, opened, highest_price(facts)) or ZERO
    short = _short(funds, own, with_it, facts.claimed_since_funds, facts.now_ns)
    return None if short is None else Refusal(code=RefusalCode.INSUFFICIENT_FUNDS, detail=short)


def other_accounts_control(facts: ClaimFacts) -> Refusal | None:
    """Where legs go together, the other accounts can put up the initial margin of theirs, as their executors last
    wrote: else the first leg would go alone. What it finds is not reserved there; orders that others claim in between
    can still take it.
    """
    if _is_exempt(facts):
        return None
    known = {(item.venue, item.account): item for item in facts.other_accounts}
    legs = [item for item in _still_to_go(facts) if (item.venue, item.account) != _account(facts)]
    for venue, account in dict.fromkeys((item.venue, item.account) for item in legs):
        there = [item for item in legs if (item.venue, item.account) == (venue, account)]
        found = known.get((venue, account))
        short = _unseen(None if found is None else found.funds, facts.now_ns)
        if found is not None and short is None:
            short = _short(found.funds, ZERO, there, found.claimed_since_funds, facts.now_ns)
        if short is not None:
            numbers = ", ".join(f"intent {item.id} in {item.instrument}" for item in there)
            return Refusal(
                code=RefusalCode.OTHER_ACCOUNT_FUNDS,
                detail=f"{numbers} on {venue} account {account} goes together with it, and there: {short}",
            )
    return None


def margin(funds: Funds, instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal | None:
    """What the venue asks for so many contracts at this price; None when it tells no leverage of the instrument."""
    leverage = funds.leverage.get(instrument.symbol)
    return None if leverage is None else instrument.notional(quantity, price) / leverage


def _is_exempt(facts: ClaimFacts) -> bool:
    return facts.config is None or facts.intent.mode is Mode.SHADOW or reduces(facts)


def _account(facts: ClaimFacts) -> tuple[str, str]:
    return (facts.intent.venue, facts.intent.account)


def _still_to_go(facts: ClaimFacts) -> list[Claimable]:
    """The legs that go together with the order, were not sent yet, and ask for margin."""
    if facts.config is None or not facts.config.execution.together:
        return []
    return [item for item in facts.companions if item.state is IntentState.DECIDED and _asks_margin(item)]


def _asks_margin(order: Claimable) -> bool:
    return (
        not find_instrument(order.instrument).is_cash
        and opens(order.side, order.quantity, order.position) > 0
    )


def _unseen(funds: Funds | None, now_ns: int) -> str | None:
    """What keeps these funds from being relied on."""
    if funds is None:
        return "funds were not seen yet"
    problem = age_problem(funds.time_ns, now_ns, MAX_FUNDS_AGE_NS)
    return None if problem is None else f"funds are {problem}"


def _short(
    funds: Funds, own: Decimal, with_it: Sequence[Claimable], since: Sequence[Claimable], now_ns: int
) -> str | None:
    """In words, that the account cannot put up what is asked of it; None when it can."""
    companions = sum((_margin_of(funds, item) for item in with_it), ZERO)
    promised = sum((_margin_of(funds, item) for item in since), ZERO)
    if not own + companions or own + companions + promised <= funds.available:
        return None
    parts = (
        (own, "for the order"),
        (companions, "for the legs that go with it"),
        (promised, "for orders sent since the venue was asked"),
    )
    asked = ", ".join(f"{amount:.2f} {why}" for amount, why in parts if amount)
    return (
        f"initial margin is needed: {asked}; the account had {funds.available:.2f} available "
        f"{(now_ns - funds.time_ns) / 1e9:.1f} s ago"
    )


def _margin_of(funds: Funds, order: Claimable) -> Decimal:
    opened = opens(order.side, order.quantity, order.position)
    return margin(funds, find_instrument(order.instrument), opened, order.limit_price) or ZERO
