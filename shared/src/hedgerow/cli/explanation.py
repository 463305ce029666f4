"""Why a strategy does what it does now: the same facts and the same `decide` as in production, put in words. Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from hedgerow.cli.loan_facts import LoanFact, loan_fact
from hedgerow.domain.age import age_problem
from hedgerow.domain.money import plain
from hedgerow.execution.intents import Intent
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Decision, Hedge, Hold, NewIntent
from hedgerow.hedging.exposure import NetExposure, known_exposures
from hedgerow.hedging.snapshot import LedgerSnapshot, OpenIntent
from hedgerow.hedging.stale import problem_words
from hedgerow.risk.holdings import account_holdings
from hedgerow.risk.problems import MIN_BARS
from hedgerow.schemas.acknowledging import required_roles
from hedgerow.schemas.records import AccountState, BookKind, ClientBook, StrategyPublished
from hedgerow.schemas.risk_state import InputProblem, RiskState
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue, Mode


class InputFact(msgspec.Struct, frozen=True, kw_only=True):
    """One input: how old it is and what it says. Ages in seconds; None where there is nothing to be old."""

    input: str
    age_s: float | None
    limit_s: float | None
    usable: bool
    detail: str


class LegFact(msgspec.Struct, frozen=True, kw_only=True):
    """Where the hedge is traded."""

    index: int
    venue: str
    account: str
    instrument: str
    trading: str
    held: Decimal


class BandFact(msgspec.Struct, frozen=True, kw_only=True):
    """Exposure against what the policy lets it be, in units of the underlying; `mark` in the strategy's currency.

    `excess` 0 is inside. `rule` says how the policy came to its edges, where they are not declared as such.
    """

    underlying: str
    unhedged: Decimal
    hedge: Decimal
    net: Decimal
    lower: Decimal
    upper: Decimal
    excess: Decimal
    mark: Decimal
    rule: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `hedgerow explain` shows. `now` says in words what would be sent, or why nothing."""

    strategy: str
    uid: str
    mode: str
    suspend: bool
    generation: int
    revision: str
    currency: str
    acknowledged: list[str]
    waits_for: list[str]
    legs: list[LegFact]
    inputs: list[InputFact]
    problems: list[InputProblem]
    bands: list[BandFact]
    loan: LoanFact | None
    open_intents: list[OpenIntent]
    recent_intents: list[Intent]
    halts: list[str]
    decision: Decision | None
    now: list[str]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for an explanation; ages count to `ledger.read_ns`. `hedges`: what live
    strategies hedge with on the Venues of its accounts."""

    published: StrategyPublished
    ledger: LedgerSnapshot
    risk: RiskState | None
    books: list[ClientBook]
    accounts: list[AccountState]
    hedges: dict[str, tuple[str, ...]]
    venues: list[CompiledVenue]
    recent: list[Intent]
    acknowledged: list[str]


class PastDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What a past decision saw and what it came to, in the same words as an explanation of now."""

    mode: str
    currency: str
    halts: list[str]
    inputs: list[InputFact]
    problems: list[InputProblem]
    bands: list[BandFact]
    loan: LoanFact | None
    outcome: list[str]


def explain_past(risk: RiskState, ledger: LedgerSnapshot, decision: Decision) -> PastDecision:
    """Put a stored decision in words. Ages are those at the moment of deciding."""
    return PastDecision(
        mode=ledger.config.mode.value,
        currency=ledger.config.currency,
        halts=list(ledger.halts),
        inputs=_risk_inputs(risk, ledger),
        problems=list(risk.problems),
        bands=[_band(exposure) for exposure in known_exposures(risk, ledger)],
        loan=loan_fact(risk, ledger),
        outcome=_outcome(decision, ledger, "decided"),
    )


def explain(facts: Facts) -> Explanation:
    """Put the facts in words. Decides as hedging would, and changes nothing."""
    ledger, risk = facts.ledger, facts.risk
    config = ledger.config
    decision = decide(risk, ledger) if risk is not None else None
    return Explanation(
        strategy=config.key,
        uid=ledger.strategy_uid,
        mode=config.mode.value,
        suspend=config.suspend,
        generation=ledger.generation,
        revision=facts.published.revision,
        currency=config.currency,
        acknowledged=facts.acknowledged,
        waits_for=sorted(required_roles(config) - set(facts.acknowledged)),
        legs=_legs(facts),
        inputs=[*_risk_inputs(facts.risk, facts.ledger), *_books(facts), *_accounts(facts)],
        problems=list(risk.problems) if risk else [],
        bands=_bands(facts),
        loan=loan_fact(risk, ledger),
        open_intents=list(ledger.open_intents),
        recent_intents=facts.recent,
        halts=list(ledger.halts),
        decision=decision,
        now=_in_words(decision, facts),
    )


def _age_s(now_ns: int, then_ns: int) -> float:
    return (now_ns - then_ns) / 1e9


def _risk_inputs(risk: RiskState | None, ledger: LedgerSnapshot) -> list[InputFact]:
    now_ns = ledger.read_ns
    limit_s = ledger.config.freshness.quote_ns / 1e9
    if risk is None:
        detail = "none on topic risk.state; see whether ingestion, enrichment and risk run"
        return [InputFact(input="risk state", age_s=None, limit_s=limit_s, usable=False, detail=detail)]
    age_s = _age_s(now_ns, risk.time_ns)
    facts_of_marks = [
        InputFact(
            input=f"quote {mark.instrument}",
            age_s=_age_s(now_ns, mark.time_ns),
            limit_s=limit_s,
            usable=mark.valid and _age_s(now_ns, mark.time_ns) <= limit_s,
            detail=f"{plain(mark.bid)} / {plain(mark.ask)}" if mark.valid else f"invalid: {mark.reason}",
        )
        for mark in risk.marks
    ]
    state = InputFact(
        input="risk state",
        age_s=age_s,
        limit_s=limit_s,
        usable=risk.ready and age_s <= limit_s,
        detail=f"generation {risk.generation}, caused by {risk.cause}",
    )
    return [state, *facts_of_marks, *_scores(risk, ledger), *_inventories(risk, ledger), *_volatilities(risk)]


def _scores(risk: RiskState, ledger: LedgerSnapshot) -> Iterator[InputFact]:
    limit_ns = ledger.config.freshness.score_ns
    for score in risk.scores:
        problem = None if limit_ns is None else age_problem(score.time_ns, ledger.read_ns, limit_ns)
        yield InputFact(
            input=f"score {score.asset}",
            age_s=_age_s(ledger.read_ns, score.time_ns),
            limit_s=None if limit_ns is None else limit_ns / 1e9,
            usable=problem is None,
            detail=f"{score.score:g}",
        )


def _inventories(risk: RiskState, ledger: LedgerSnapshot) -> Iterator[InputFact]:
    for item in risk.inventories:
        share = f" ({item.profit / item.cost:+.2%})" if item.cost else ""
        told = f"cost {item.cost:,.2f}, unrealised {item.profit:+,.2f}{share}"
        yield InputFact(
            input=f"inventory {item.underlying}",
            age_s=None if item.since_ns is None else _age_s(ledger.read_ns, item.since_ns),
            limit_s=None,
            usable=not item.unknown,
            detail=f"{told}; entry not known: {', '.join(item.unknown)}" if item.unknown else told,
        )


def _volatilities(risk: RiskState) -> Iterator[InputFact]:
    for item in risk.volatilities:
        yield InputFact(
            input=f"volatility {item.underlying}",
            age_s=None,
            limit_s=None,
            usable=item.bars >= MIN_BARS,
            detail=f"{item.annualised:.1%} a year, from {item.bars} bars",
        )


def _books(facts: Facts) -> list[InputFact]:
    config, now_ns = facts.ledger.config, facts.ledger.read_ns
    by_name = {book.name: book for book in facts.books}
    found = []
    for source in config.exposure:
        book = by_name.get(source.book)
        held = ", ".join(_held(book)) if book else ""
        # The ledger says what the book holds; how fresh risk's copy is, risk itself says in its problems.
        found.append(
            InputFact(
                input=f"book {source.book}",
                age_s=_age_s(now_ns, book.as_of_ns) if book else None,
                limit_s=None,
                usable=book is not None,
                detail=(held or "empty")
                if book
                else "the ledger has no such book: no client fill was booked",
            )
        )
    return found


def _accounts(facts: Facts) -> Iterator[InputFact]:
    config, now_ns = facts.ledger.config, facts.ledger.read_ns
    limit_ns = config.freshness.account_ns
    newest = {account.venue: account for account in facts.accounts}
    for source in config.accounts:
        account = newest.get(source.venue)
        if account is None or account.account != source.account:
            detail = "none on topic accounts; see whether its collector runs and has the read key"
            age_s, usable = None, False
        else:
            counted = account_holdings(account, source, config, facts.hedges.get(source.venue, ()))
            held = (f"{plain(quantity)} {symbol}" for symbol, quantity in counted.items())
            detail = ", ".join(held) or "nothing that counts"
            age_s = _age_s(now_ns, account.time_ns)
            usable = limit_ns is not None and age_problem(account.time_ns, now_ns, limit_ns) is None
        yield InputFact(
            input=f"account {source.venue} {source.account}",
            age_s=age_s,
            limit_s=None if limit_ns is None else limit_ns / 1e9,
            usable=usable,
            detail=detail,
        )


def _held(book: ClientBook) -> list[str]:
    if book.kind is BookKind.LOANS:
        return [f"owes {plain(loan.owed)} {loan.asset} ({loan.id})" for loan in book.loans]
    return [f"{plain(quantity)} {instrument}" for instrument, quantity in book.positions.items()]


def _legs(facts: Facts) -> list[LegFact]:
    venues = {venue.key: venue for venue in facts.venues}
    held = {(item.venue, item.account, item.instrument): item.quantity for item in facts.ledger.positions}
    legs = []
    for leg in facts.ledger.config.hedge_with:
        venue = venues.get(leg.venue)
        legs.append(
            LegFact(
                index=leg.index,
                venue=leg.venue,
                account=leg.account,
                instrument=leg.instrument.symbol,
                trading="no such Venue"
                if venue is None
                else "Enabled"
                if venue.trading_enabled
                else "Disabled",
                held=held.get((leg.venue, leg.account, leg.instrument.symbol), Decimal(0)),
            )
        )
    return legs


def _bands(facts: Facts) -> list[BandFact]:
    return [_band(exposure) for exposure in _exposures(facts)]


def _exposures(facts: Facts) -> Sequence[NetExposure]:
    risk, ledger = facts.risk, facts.ledger
    if risk is None or risk.uid != ledger.strategy_uid:
        return ()
    return known_exposures(risk, ledger)


def _band(exposure: NetExposure) -> BandFact:
    return BandFact(
        underlying=exposure.underlying,
        unhedged=exposure.unhedged,
        hedge=exposure.hedge,
        net=exposure.net,
        lower=exposure.lower,
        upper=exposure.upper,
        excess=exposure.excess,
        mark=exposure.mark,
        rule=exposure.rule,
    )


def _in_words(decision: Decision | None, facts: Facts) -> list[str]:
    if decision is None:
        return ["It sends nothing: no risk state of it was seen."]
    config = facts.ledger.config
    verb = "would fill virtually" if config.mode is Mode.SHADOW else "would send"
    told = _outcome(decision, facts.ledger, verb)
    if isinstance(decision, Hedge) and decision.intents:
        told += [*_only_reducing(facts), *_refusal_ahead(facts)]
    return told


def _only_reducing(facts: Facts) -> list[str]:
    if facts.risk is None or facts.risk.ready or facts.ledger.config.flatten:
        return []
    return [f"It may only reduce its hedge now, for its exposure is stale: {problem_words(facts.risk)}."]


def _outcome(decision: Decision, ledger: LedgerSnapshot, verb: str) -> list[str]:
    if isinstance(decision, Hold):
        return [f"It sends nothing: {decision.reason}: {decision.detail}."]
    cancels = [
        f"It takes intent {item.intent} back: {item.reason}: {item.detail}." for item in decision.cancels
    ]
    if not decision.intents:
        return cancels or [_remembering(decision, ledger)]
    return cancels + [f"It {verb}: {_order_words(intent, ledger.config)}." for intent in decision.intents]


def _remembering(decision: Hedge, ledger: LedgerSnapshot) -> str:
    state, before = decision.policy_state, ledger.policy_state
    if state.ladder is not None and state.ladder != before.ladder:
        return f"It sends nothing: it remembers that the LTV ladder is at {state.ladder.state} now, and decides anew."
    changed = [
        f"{item.action} for {item.underlying}" for item in state.standings if item not in before.standings
    ]
    if changed:
        return (
            f"It sends nothing: it remembers that the action is {', '.join(changed)} now, and decides anew."
        )
    return "It sends nothing: it remembers where its hedge over time has come to, and decides anew."


def _order_words(intent: NewIntent, config: CompiledStrategy) -> str:
    leg = next(leg for leg in config.hedge_with if leg.index == intent.leg)
    return (
        f"{intent.side} {plain(intent.quantity)} {intent.instrument} at {plain(intent.limit_price)} or better "
        f"({_manner(intent)}) on {intent.venue} account {intent.account}, to bring the net delta from "
        f"{intent.delta:.8f} {leg.instrument.underlying} towards {intent.edge:.8f}{_cost_words(intent, config)}"
    )


def _cost_words(intent: NewIntent, config: CompiledStrategy) -> str:
    if intent.daily_cost is None:
        return ""
    verb = "costs" if intent.daily_cost > 0 else "earns"
    return f"; the hedge then {verb} {plain(abs(intent.daily_cost))} {config.currency} of funding in 24 h"


def _manner(intent: NewIntent) -> str:
    return intent.time_in_force if intent.rung is None else f"{intent.time_in_force}, rung {intent.rung}"


def _refusal_ahead(facts: Facts) -> list[str]:
    """What hedging does not look at and the executor will refuse."""
    if facts.ledger.config.mode is Mode.SHADOW:
        return []
    return [
        f"But trading on {leg.venue} is {leg.trading}, so the executor refuses it."
        for leg in _legs(facts)
        if leg.trading != "Enabled"
    ]
