"""A strategy's resource and what is observed around it, as small as they can be."""

from copy import deepcopy
from typing import Any

import hedge_examples as example
import msgspec

from hedgerow.schemas.acknowledging import required_roles
from hedgerow.schemas.records import StrategyPublished, StrategyState
from hedgerow.strategy.compile import revision_of
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow_operator.conditions import Finding, Status
from hedgerow_operator.observed import Held, LastGood, Ledger, Observed, VenueView

UID = "6f1a2b3c-4d5e-4f60-8172-8394a5b6c7d8"
NOTHING = Held(positions=(), open_intents=())
SPEC: dict[str, Any] = {
    "mode": "Paper",
    "exposure": [{"name": "clients", "book": {"name": "clients"}}],
    "hedgeWith": [{"venueRef": {"name": "paper"}, "instrument": "BTC/USDT:USDT", "priority": 1}],
    "policy": {"type": "Band", "band": [{"underlying": "BTC", "lower": "-25000", "upper": "25000"}]},
    "freshness": {"quote": "3s", "book": "5s"},
    "execution": {"clipNotional": "25000", "maxSlippageBps": 10},
    "limits": {
        "maxOrderNotional": "50000",
        "maxPositionNotional": "1000000",
        "maxOrdersPerMinute": 60,
        "priceCollarBps": 100,
    },
}


def resource(
    name: str = "btc",
    generation: int = 1,
    status: dict[str, Any] | None = None,
    created: str = "2026-01-02T03:04:05Z",
    **spec: Any,
) -> dict[str, Any]:
    """A HedgeStrategy as the API server holds it; `spec` replaces whole fields."""
    body: dict[str, Any] = {
        "apiVersion": "hedgerow.dev/v1alpha1",
        "kind": "HedgeStrategy",
        "metadata": {
            "name": name,
            "namespace": "desk",
            "uid": UID,
            "generation": generation,
            "creationTimestamp": created,
            "resourceVersion": "1",
        },
        "spec": deepcopy(SPEC) | spec,
    }
    return body | ({"status": status} if status else {})


def finding(kind: str, status: Status = Status.TRUE, reason: str = "Fine") -> Finding:
    return Finding(type=kind, status=status, reason=reason, message=f"{kind} is {status}")


def venue_view(**changes: Any) -> VenueView:
    base = VenueView(
        key=example.VENUE, accepted=finding("Accepted"), ready=finding("Ready"), compiled=example.venue()
    )
    return msgspec.structs.replace(base, **changes)


def observed(body: dict[str, Any] | None = None, **changes: Any) -> Observed:
    """A new strategy whose Venue is there and runs; `changes` replaces whole fields."""
    base = Observed(
        resource=body or resource(),
        venues={"paper": venue_view()},
        rivals=(),
        last_good=None,
        ledger=Ledger(live=None, venues={example.VENUE: example.venue()}, halts=()),
        acknowledged=frozenset(),
        sent=False,
        silent=(),
        state=None,
        now_ns=example.NOW_NS,
    )
    return msgspec.structs.replace(base, **changes)


def published(config: CompiledStrategy, generation: int = 1, uid: str = UID) -> StrategyPublished:
    return StrategyPublished(
        uid=uid,
        generation=generation,
        revision=revision_of(config),
        published_ns=example.NOW_NS,
        config=config,
    )


def running(seen: Observed, config: CompiledStrategy, generation: int = 1) -> Observed:
    """The same once this config is live, kept as the last good one, and acknowledged by every role."""
    live = published(config, generation)
    return msgspec.structs.replace(
        seen,
        ledger=msgspec.structs.replace(seen.ledger, live=live),
        last_good=LastGood(name=f"btc-{generation}", generation=generation, spec=deepcopy(SPEC)),
        acknowledged=required_roles(config),
        sent=True,
        state=StrategyState(
            strategy=config.key, uid=UID, generation=generation, state="InsideBand", detail="", since_ns=1
        ),
    )
