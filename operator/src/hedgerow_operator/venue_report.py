"""Whether a Venue may be used and whether its executor and its collector run, in conditions. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hedgerow.strategy.compile import compile_venue
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.venue import Venue
from hedgerow_operator.conditions import Finding, Status, fold, transitions
from hedgerow_operator.kinds import Object
from hedgerow_operator.observed import document
from hedgerow_operator.report import Note, Report
from hedgerow_operator.validate import Refusal, refused

KEYS = ("apiKey", "secret")
COLLECTING = "Collecting"


class VenueVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done with a Venue.

    Attributes:
        refusal: why its newest spec may not be used whole; None when it may.
        compiled: what the ledger is to have; None leaves there what is there.
        venue: the parsed resource, when an executor may be run for it.
    """

    refusal: Refusal | None = None
    compiled: CompiledVenue | None = None
    venue: Venue | None = None


def judge_venue(
    resource: Object,
    secret: Object | None,
    venues: Mapping[str, CompiledVenue],
    live: list[CompiledStrategy],
) -> VenueVerdict:
    """Args:
    secret: the keys of the Secret that it names (see `store.secret_keys`); None when there is none.
    venues: the ledger's own row of it, and every other on an account of this name; by key.
    live: the strategies that hedge on it.
    """
    parsed = parse_resource(document(resource))
    if isinstance(parsed, list):
        return VenueVerdict(refusal=refused("Invalid", parsed))
    assert isinstance(parsed, Venue)
    compiled = compile_venue(parsed, venues, live)
    if isinstance(compiled, list):
        return VenueVerdict(refusal=refused("Invalid", compiled))
    refusal = _why_no_executor(parsed, secret)
    return VenueVerdict(refusal=refusal, compiled=compiled, venue=None if refusal else parsed)


def _why_no_executor(venue: Venue, secret: Object | None) -> Refusal | None:
    if venue.spec.credentials is None:
        return Refusal(
            reason="CredentialsMissing",
            message="spec.credentials.trade.secretRef.name: is missing; name the Secret with the entries apiKey and "
            "secret, which this Venue's executor signs orders with",
        )
    name, namespace = venue.spec.credentials.trade.secret_ref.name, venue.metadata.namespace
    return secret_problem(name, namespace, secret, "the executor")


def secret_problem(name: str, namespace: str, secret: Object | None, who: str) -> Refusal | None:
    """What is wrong with the Secret that a key is to come from; None when nothing is.

    Args:
        who: needs it, in words.
    """
    if secret is None:
        return Refusal(
            reason="SecretNotFound",
            message=f"there is no Secret {name} in namespace {namespace}; create it with the entries apiKey and secret",
        )
    missing = [key for key in KEYS if key not in secret["keys"]]
    if missing:
        return Refusal(
            reason="SecretKeyMissing",
            message=f"Secret {name} has no entry {', '.join(missing)} (it has {', '.join(secret['keys']) or 'none'}); "
            f"{who} needs apiKey and secret",
        )
    return None


def report_venue(
    resource: Object,
    refusal: Refusal | None,
    deployment: Object | None,
    now_ns: int,
    not_collected: Refusal | None = None,
    collector: Object | None = None,
) -> Report:
    """Fold it into conditions; that of the collector is there once a read key is named.

    Args:
        deployment: of the executor; collector: that of the collector of accounts.
        not_collected: why no collector may run.
    """
    findings = [_accepted(refusal), _ready(deployment)]
    if not_collected is not None or collector is not None:
        findings.append(_collecting(not_collected, collector))
    before = (resource.get("status") or {}).get("conditions") or []
    generation = resource["metadata"]["generation"]
    notes = tuple(
        Note(warning=True, reason=item.after.reason, message=item.after.message)
        for item in transitions(before, findings)
        if item.after.type in ("Accepted", COLLECTING) and item.after.status is Status.FALSE
    )
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "conditions": fold(before, findings, generation, now_ns),
    }
    return Report(status=status, notes=notes)


def _accepted(refusal: Refusal | None) -> Finding:
    if refusal is None:
        return Finding(type="Accepted", status=Status.TRUE, reason="Accepted", message="it may be used")
    return Finding(type="Accepted", status=Status.FALSE, reason=refusal.reason, message=refusal.message)


def _ready(deployment: Object | None) -> Finding:
    if deployment is None:
        return _finding(
            "Ready", Status.FALSE, "NoExecutor", "no executor runs; the condition Accepted says why"
        )
    if _runs(deployment):
        return _finding("Ready", Status.TRUE, "ExecutorReady", "the executor runs and holds the account")
    return _finding(
        "Ready", Status.FALSE, "ExecutorNotReady", f"the executor is not ready; {_where(deployment)}"
    )


def _collecting(refusal: Refusal | None, collector: Object | None) -> Finding:
    if refusal is not None:
        return _finding(COLLECTING, Status.FALSE, refusal.reason, refusal.message)
    assert collector is not None
    if _runs(collector):
        return _finding(COLLECTING, Status.TRUE, "CollectorReady", "the collector runs and reads the account")
    return _finding(
        COLLECTING, Status.FALSE, "CollectorNotReady", f"the collector is not ready; {_where(collector)}"
    )


def _finding(kind: str, status: Status, reason: str, message: str) -> Finding:
    return Finding(type=kind, status=status, reason=reason, message=message)


def _runs(deployment: Object) -> bool:
    metadata, status = deployment["metadata"], deployment.get("status") or {}
    current = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
    ready = status.get("readyReplicas", 0) >= 1 and not status.get("unavailableReplicas", 0)
    return bool(current and ready)


def _where(deployment: Object) -> str:
    name = deployment["metadata"]["name"]
    return f"see `kubectl describe deployment {name}` and its pod's log"
