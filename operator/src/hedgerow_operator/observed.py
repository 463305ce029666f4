"""Everything that a strategy's reconciliation looks at, as it was at one moment."""

from typing import Any

import msgspec

from hedgerow.schemas.records import StrategyPublished, StrategyState
from hedgerow.strategy.compiled import CompiledVenue
from hedgerow.strategy.resource import API_VERSION
from hedgerow_operator.conditions import Finding
from hedgerow_operator.kinds import Object

FINALIZER = "hedgerow.dev/operator"


class VenueView(msgspec.Struct, frozen=True, kw_only=True):
    """A Venue that a leg names.

    Attributes:
        accepted, ready: its conditions; None while the operator has not looked at its newest generation.
        compiled: as the ledger has it; None before it was published.
    """

    key: str
    accepted: Finding | None
    ready: Finding | None
    compiled: CompiledVenue | None


class Rival(msgspec.Struct, frozen=True, kw_only=True):
    """Another strategy that declares one of this one's legs.

    Attributes:
        refused: it was looked at and may not run, so it claims nothing.
    """

    key: str
    created: str
    venue: str
    instrument: str
    refused: bool


class LastGood(msgspec.Struct, frozen=True, kw_only=True):
    """The newest spec that was accepted, from its ControllerRevision."""

    name: str
    generation: int
    spec: dict[str, Any]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a hedge still holds, in words; empty when it is flat and nothing is open."""

    positions: tuple[str, ...]
    open_intents: tuple[int, ...]

    @property
    def flat(self) -> bool:
        return not self.positions and not self.open_intents


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's side of one strategy.

    Attributes:
        live: what is live under its name, whoever declared it.
        venues: those that its legs are on, by key.
        halts: reasons of those that stand against it.
    """

    live: StrategyPublished | None
    venues: dict[str, CompiledVenue]
    halts: tuple[str, ...]


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """Of one strategy.

    Attributes:
        venues: those that legs name and that exist, by name.
        acknowledged: roles that run exactly what is live, as known when it is reported.
        sent: whether this process knows that the topic has it.
        state: what hedging said last of what is live.
        silent: roles of the pipeline that nobody runs for it any more.
    """

    resource: Object
    venues: dict[str, VenueView]
    rivals: tuple[Rival, ...]
    last_good: LastGood | None
    ledger: Ledger
    acknowledged: frozenset[str]
    sent: bool
    state: StrategyState | None
    silent: tuple[str, ...]
    now_ns: int

    @property
    def uid(self) -> str:
        return str(self.resource["metadata"]["uid"])

    @property
    def generation(self) -> int:
        return int(self.resource["metadata"]["generation"])

    @property
    def live(self) -> StrategyPublished | None:
        """What is live of this very resource."""
        live = self.ledger.live
        return live if live is not None and live.uid == self.uid else None


def document(resource: Object, spec: dict[str, Any] | None = None) -> dict[str, Any]:
    """What parsing takes: a resource without what the API server adds, with its own spec or another."""
    metadata = resource["metadata"]
    return {
        "apiVersion": API_VERSION,
        "kind": resource["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": resource.get("spec") if spec is None else spec,
    }
