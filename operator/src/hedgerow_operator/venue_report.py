"""Whether a Venue may be used and whether its executor runs, in conditions. Pure."""

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
            "the executor needs apiKey and secret",
        )
    return None


def report_venue(resource: Object, refusal: Refusal | None, deployment: Object | None, now_ns: int) -> Report:
    """Fold it into conditions."""
    findings = [_accepted(refusal), _ready(deployment)]
    before = (resource.get("status") or {}).get("conditions") or []
    generation = resource["metadata"]["generation"]
    notes = tuple(
        Note(warning=True, reason=item.after.reason, message=item.after.message)
        for item in transitions(before, findings)
        if item.after.type == "Accepted" and item.after.status is Status.FALSE
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
    def finding(status: Status, reason: str, message: str) -> Finding:
        return Finding(type="Ready", status=status, reason=reason, message=message)

    if deployment is None:
        return finding(Status.FALSE, "NoExecutor", "no executor runs; the condition Accepted says why")
    metadata, status = deployment["metadata"], deployment.get("status") or {}
    current = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
    if current and status.get("readyReplicas", 0) >= 1 and not status.get("unavailableReplicas", 0):
        return finding(Status.TRUE, "ExecutorReady", "the executor runs and holds the account")
    return finding(
        Status.FALSE,
        "ExecutorNotReady",
        f"the executor is not ready; see `kubectl describe deployment {metadata['name']}` and its pod's log",
    )
