"""Whether a strategy's newest spec may run, and what runs if not. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hedgerow.domain.instruments import Instrument
from hedgerow.strategy.compile import compile_strategy
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.problem import Problem
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow_operator.observed import Observed, Rival, document


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why something may not run: a word for programs, words for people."""

    reason: str
    message: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be live.

    Attributes:
        refusal: why the newest spec may not run; None when it may.
        config: what is to be live: the newest spec compiled, or the last good one; None when neither compiles.
        generation: of the resource that `config` comes from.
        missing: Venues that a leg names and that are gone, although the strategy was accepted with them.
        waiting: why nothing can be said yet; then the rest means nothing.
    """

    refusal: Refusal | None = None
    config: CompiledStrategy | None = None
    generation: int = 0
    missing: tuple[str, ...] = ()
    waiting: str | None = None

    @property
    def accepted(self) -> bool:
        return self.refusal is None


def judge(observed: Observed, instruments: Mapping[str, Instrument]) -> Verdict:
    """The newest spec if it may run, else the last good one."""
    parsed = parse_resource(document(observed.resource))
    if isinstance(parsed, list):
        return fall_back(observed, instruments, refused("Invalid", parsed))
    assert isinstance(parsed, HedgeStrategy)
    names = _venue_names(parsed)
    unseen = [name for name in names if name in observed.venues and observed.venues[name].accepted is None]
    if unseen:
        return Verdict(waiting=f"Venue {', '.join(unseen)} was not looked at yet")
    gone = tuple(name for name in names if name not in observed.venues)
    if gone and _was_accepted(observed):
        # What was accepted stays so: its Venue may come back, and it does, without being asked again.
        return Verdict(config=_live_config(observed), generation=observed.generation, missing=gone)
    refusal = _why_not(observed, parsed, gone)
    if refusal is None:
        compiled = compile_strategy(parsed, observed.ledger.venues, instruments)
        if not isinstance(compiled, list):
            return Verdict(config=compiled, generation=observed.generation)
        refusal = refused("Invalid", compiled)
    return fall_back(observed, instruments, refusal)


def refused(reason: str, problems: Sequence[Problem]) -> Refusal:
    """Every problem in one message."""
    return Refusal(reason=reason, message="; ".join(map(str, problems)))


def _why_not(observed: Observed, parsed: HedgeStrategy, gone: Sequence[str]) -> Refusal | None:
    if gone:
        namespace = parsed.metadata.namespace
        return Refusal(
            reason="VenueNotFound",
            message=f"there is no Venue {', '.join(gone)} in namespace {namespace}; apply it, or name another in "
            "spec.hedgeWith",
        )
    unpublished = [name for name in _venue_names(parsed) if observed.venues[name].compiled is None]
    if unpublished:
        return Refusal(
            reason="VenueNotAccepted",
            message=f"Venue {', '.join(unpublished)} is not accepted; its own conditions say why",
        )
    winner = next(_winners(observed, parsed), None)
    if winner is not None:
        return Refusal(
            reason="Conflict",
            message=f"{winner.instrument} on Venue {winner.venue} already belongs to strategy {winner.key}; one "
            "account's instrument hedges one strategy: trade another instrument, or delete that strategy",
        )
    return None


def _winners(observed: Observed, parsed: HedgeStrategy) -> Iterator[Rival]:
    """Rivals that come before this strategy: those that are older, then first by name. What this one already owns
    nobody takes."""
    own = _owned(observed)
    mine = (str(observed.resource["metadata"]["creationTimestamp"]), parsed.key)
    for rival in observed.rivals:
        before = (rival.created, rival.key) < mine
        if before and not rival.refused and (rival.venue, rival.instrument) not in own:
            yield rival


def _owned(observed: Observed) -> set[tuple[str, str]]:
    live = observed.live
    legs = live.config.hedge_with if live is not None else ()
    return {(leg.venue, leg.instrument.symbol) for leg in legs}


def fall_back(observed: Observed, instruments: Mapping[str, Instrument], refusal: Refusal) -> Verdict:
    """What is live stays; where the ledger has nothing of it (it is a new one), the last good spec runs again."""
    live, good = observed.live, observed.last_good
    if live is not None:
        return Verdict(refusal=refusal, config=live.config, generation=live.generation)
    if good is None:
        return Verdict(refusal=refusal)
    config = _compiled(observed, good.spec, instruments)
    return Verdict(refusal=refusal, config=config, generation=good.generation)


def _compiled(
    observed: Observed, spec: dict[str, Any], instruments: Mapping[str, Instrument]
) -> CompiledStrategy | None:
    parsed = parse_resource(document(observed.resource, spec))
    if not isinstance(parsed, HedgeStrategy):
        return None
    compiled = compile_strategy(parsed, observed.ledger.venues, instruments)
    return None if isinstance(compiled, list) else compiled


def _was_accepted(observed: Observed) -> bool:
    good = observed.last_good
    return good is not None and good.generation == observed.generation and observed.live is not None


def _live_config(observed: Observed) -> CompiledStrategy | None:
    return observed.live.config if observed.live is not None else None


def _venue_names(parsed: HedgeStrategy) -> list[str]:
    counted = {source.account.venue_ref.name for source in parsed.spec.exposure if source.account}
    return sorted(counted | {leg.venue_ref.name for leg in parsed.spec.hedge_with})
