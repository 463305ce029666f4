"""What a declared strategy would do now: its risk valued and its decision made as in production. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from hedgerow.cli.explanation import Explanation, Facts, explain
from hedgerow.execution.claim_facts import Ceilings
from hedgerow.hedging.snapshot import LedgerSnapshot, PolicyState
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.records import (
    AccountInput,
    AccountState,
    BookInput,
    ClientBook,
    MarkInput,
    Quote,
    RiskInput,
    Score,
    ScoreInput,
    StrategyInput,
    StrategyPublished,
)
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compile import revision_of
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue

RiskFrom = Literal["risk.state", "books and market.enriched"]


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for a plan.

    Attributes:
        live, ledger: the current generation of this name and its snapshot; None when nothing is live.
        halts: reasons of those that would stand against the declared config.
        refused: why `apply` would refuse it; None when it would not.
        running: the newest risk state of the live strategy.
        quotes: the newest of each instrument on the strategy's underlyings; scores: of each of them that has one;
            accounts: of each that it counts and that has a state; hedges: what live strategies hedge with on their
            Venues.
        venues: those that would be there; ceilings: the platform's.
    """

    config: CompiledStrategy
    live: StrategyPublished | None
    ledger: LedgerSnapshot | None
    halts: tuple[str, ...]
    refused: str | None
    running: RiskState | None
    books: list[ClientBook]
    quotes: list[Quote]
    scores: list[Score]
    accounts: list[AccountState]
    hedges: dict[str, tuple[str, ...]]
    venues: list[CompiledVenue]
    ceilings: Ceilings
    now_ns: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `apply` would do with one strategy, and what the strategy would do then.

    Attributes:
        generation: that it would run as.
        outlook: None when `apply` would refuse it, as `refused` says.
    """

    strategy: str
    change: Literal["created", "configured", "unchanged", "refused"]
    generation: int
    revision: str
    risk_from: RiskFrom
    refused: str | None
    outlook: Explanation | None


def plan(facts: PlanFacts) -> Plan:
    """Plan one strategy; decides as hedging would, and changes nothing."""
    published = _published(facts)
    live = facts.live
    same = live is not None and live.revision == published.revision
    running = facts.running if same and _is_of(facts.running, published) else None
    outlook = None
    if facts.refused is None:
        risk = running or value_risk(
            published, facts.books, facts.quotes, facts.scores, facts.accounts, facts.hedges, facts.now_ns
        )
        outlook = explain(
            Facts(
                published=published,
                ledger=_snapshot(facts, published),
                risk=risk,
                books=facts.books,
                accounts=facts.accounts,
                hedges=facts.hedges,
                venues=facts.venues,
                recent=[],
                acknowledged=[],
            )
        )
    return Plan(
        strategy=facts.config.key,
        change="refused"
        if facts.refused is not None
        else "unchanged"
        if same
        else "created"
        if live is None
        else "configured",
        generation=published.generation,
        revision=published.revision,
        risk_from="books and market.enriched" if running is None else "risk.state",
        refused=facts.refused,
        outlook=outlook,
    )


def value_risk(
    published: StrategyPublished,
    books: Sequence[ClientBook],
    quotes: Sequence[Quote],
    scores: Sequence[Score],
    accounts: Sequence[AccountState],
    hedges: Mapping[str, tuple[str, ...]],
    now_ns: int,
) -> RiskState:
    """The risk state that these inputs would lead to, through the very functions of the risk role."""
    config = published.config
    sources = {source.book for source in config.exposure}
    name = config.key
    records: list[RiskInput] = [StrategyInput(strategy=name, routed_ns=now_ns, published=published)]
    records += [
        BookInput(strategy=name, routed_ns=now_ns, book=book) for book in books if book.name in sources
    ]
    records += [
        MarkInput(strategy=name, routed_ns=now_ns, quote=quote)
        for quote in quotes
        if quote.underlying in config.priced
    ]
    records += [
        ScoreInput(strategy=name, routed_ns=now_ns, score=score)
        for score in scores
        if score.asset in config.scored
    ]
    counted = {source.venue for source in config.accounts}
    records += [
        AccountInput(strategy=name, routed_ns=now_ns, account=account, hedges=hedges.get(account.venue, ()))
        for account in accounts
        if account.venue in counted
    ]
    partition = PartitionRisk()
    states = [partition.apply(record, offset) for offset, record in enumerate(records)]
    last = next(state for state in reversed(states) if state is not None)
    return last


def _published(facts: PlanFacts) -> StrategyPublished:
    revision, live = revision_of(facts.config), facts.live
    if live is not None and live.revision == revision:
        return live
    return StrategyPublished(
        uid=live.uid if live else "not assigned yet",
        generation=live.generation + 1 if live else 1,
        revision=revision,
        published_ns=facts.now_ns,
        config=facts.config,
    )


def _is_of(risk: RiskState | None, published: StrategyPublished) -> bool:
    return risk is not None and (risk.uid, risk.generation) == (published.uid, published.generation)


def _snapshot(facts: PlanFacts, published: StrategyPublished) -> LedgerSnapshot:
    """The ledger's side as it would be. What the live one holds, has open and decided last stays with its uid."""
    live = facts.ledger
    used = {leg.venue for leg in facts.config.hedge_with}
    return LedgerSnapshot(
        strategy_uid=published.uid,
        version=live.version if live else 0,
        generation=published.generation,
        config=facts.config,
        policy_state=live.policy_state if live else PolicyState(),
        # A changed mode is refused while anything is held, so what is read under the old one is all zero.
        positions=live.positions if live else (),
        open_intents=live.open_intents if live else (),
        halts=facts.halts,
        read_ns=facts.now_ns,
        ceilings=facts.ceilings,
        gross_limits={venue.key: venue.max_gross_notional for venue in facts.venues if venue.key in used},
    )
