"""What a strategy's `status` is to say, and which of it is worth an Event. Pure."""

from typing import Any

import msgspec

from hedgerow.schemas.acknowledging import required_roles
from hedgerow.schemas.records import StrategyPublished
from hedgerow_operator.beats import SECOND_NS, SILENT_NS
from hedgerow_operator.conditions import Finding, Status, Transition, fold, transitions
from hedgerow_operator.observed import Observed
from hedgerow_operator.validate import Refusal, Verdict

# Roles acknowledge one after the other within moments; only who is late is named.
LATE_NS = 5 * SECOND_NS
STALE = "Stale"
UNFILLED = "Unfilled"
SILENT = "RoleSilent"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of publishing.

    Attributes:
        live: what is live of this resource now.
        refusal: why the ledger did not take the newest spec; failure: which server could not be reached.
    """

    live: StrategyPublished | None
    refusal: Refusal | None = None
    failure: Refusal | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """An Event to record."""

    warning: bool
    reason: str
    message: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The status to write and the Events to record.

    `look_again_s`: when the report may change by itself.
    """

    status: dict[str, Any]
    notes: tuple[Note, ...]
    look_again_s: float | None = None


def report(observed: Observed, verdict: Verdict, outcome: Outcome) -> Report:
    """Fold what was found into conditions."""
    refusal = verdict.refusal or outcome.refusal
    live = outcome.live
    missing = _missing_roles(observed, live)
    findings = [
        _accepted(observed, refusal, live),
        _published(observed, live, outcome),
        _ready(observed, refusal, outcome, missing),
        _degraded(observed, verdict, refusal, outcome),
    ]
    previous = observed.resource.get("status") or {}
    before = previous.get("conditions") or []
    status: dict[str, Any] = {
        "observedGeneration": observed.generation,
        "conditions": fold(before, findings, observed.generation, observed.now_ns),
    }
    if live is not None:
        status |= {
            "generation": live.generation,
            "revision": live.revision,
            "mode": live.config.mode.value,
            "state": _state(observed, live) or previous.get("state") or "Pending",
        }
        policy = _policy(observed, live) or previous.get("policy")
        status |= {} if policy is None else {"policy": policy}
    notes = [note for item in transitions(before, findings) if (note := _note(item)) is not None]
    if live is not None and live.generation != previous.get("generation"):
        notes.append(
            Note(
                warning=False,
                reason="Published",
                message=f"generation {live.generation} (revision {live.revision}) is live",
            )
        )
    waits = live is not None and bool(missing)
    return Report(status=status, notes=tuple(notes), look_again_s=LATE_NS / SECOND_NS if waits else None)


def unreachable(observed_generation: int, resource: dict[str, Any], failure: Refusal, now_ns: int) -> Report:
    """The ledger cannot be asked, so what was known stands, and it is said that it may be old."""
    previous = resource.get("status") or {}
    before = previous.get("conditions") or []
    known = {item["type"]: item for item in before}
    degraded = Finding(type="Degraded", status=Status.TRUE, reason=failure.reason, message=failure.message)
    findings = [degraded]
    if previous.get("observedGeneration") != observed_generation:
        findings += [
            Finding(type=kind, status=Status.FALSE, reason=failure.reason, message=failure.message)
            for kind in ("Accepted", "Published", "Ready")
        ]
    kept = [known[kind] for kind in known if kind not in {finding.type for finding in findings}]
    folded = fold(before, findings, observed_generation, now_ns)
    notes = [note for item in transitions(before, findings) if (note := _note(item)) is not None]
    # What is applied without a field takes the field away, so the rest of what stands is said again.
    return Report(status={**previous, "conditions": [*folded, *kept]}, notes=tuple(notes))


def _accepted(observed: Observed, refusal: Refusal | None, live: StrategyPublished | None) -> Finding:
    if refusal is None:
        message = f"generation {observed.generation} may run"
        return Finding(type="Accepted", status=Status.TRUE, reason="Accepted", message=message)
    goes_on = f" (generation {live.generation} stays live)" if live is not None else ""
    return Finding(
        type="Accepted", status=Status.FALSE, reason=refusal.reason, message=refusal.message + goes_on
    )


def _published(observed: Observed, live: StrategyPublished | None, outcome: Outcome) -> Finding:
    def finding(status: Status, reason: str, message: str) -> Finding:
        return Finding(type="Published", status=status, reason=reason, message=message)

    if outcome.failure is not None:
        return finding(Status.FALSE, outcome.failure.reason, outcome.failure.message)
    if live is None:
        return finding(Status.FALSE, "NotAccepted", "nothing is live; the condition Accepted says why")
    return finding(
        Status.TRUE, "Published", f"generation {live.generation}, revision {live.revision}, is live"
    )


def _ready(observed: Observed, refusal: Refusal | None, outcome: Outcome, missing: list[str]) -> Finding:
    def finding(status: Status, reason: str, message: str) -> Finding:
        return Finding(type="Ready", status=status, reason=reason, message=message)

    if refusal is not None:
        return finding(
            Status.FALSE, "NotAccepted", f"generation {observed.generation} may not run; see Accepted"
        )
    live = outcome.live
    if live is None or outcome.failure is not None:
        return finding(
            Status.FALSE, "NotPublished", f"generation {observed.generation} is not live yet; see Published"
        )
    if missing:
        return finding(
            Status.FALSE,
            "WaitingForRoles",
            f"generation {live.generation} is not acknowledged yet by: {', '.join(missing)}",
        )
    if observed.silent:
        return finding(Status.UNKNOWN, SILENT, _silence(observed))
    return finding(Status.TRUE, "Acknowledged", f"every role runs generation {live.generation}")


def _degraded(observed: Observed, verdict: Verdict, refusal: Refusal | None, outcome: Outcome) -> Finding:
    problem = _worst(observed, verdict, refusal, outcome)
    if problem is None:
        return Finding(type="Degraded", status=Status.FALSE, reason="Healthy", message="")
    return Finding(type="Degraded", status=Status.TRUE, reason=problem.reason, message=problem.message)


def _worst(observed: Observed, verdict: Verdict, refusal: Refusal | None, outcome: Outcome) -> Refusal | None:
    """What keeps it from hedging as declared, the hardest first."""
    if outcome.failure is not None:
        return outcome.failure
    live = outcome.live
    if live is None:
        return None
    if verdict.missing:
        names = ", ".join(verdict.missing)
        return Refusal(
            reason="VenueNotFound",
            message=f"Venue {names} is gone, and with it its executor: nothing is sent; apply it again",
        )
    if observed.ledger.halts:
        return Refusal(reason="Halted", message="; ".join(observed.ledger.halts))
    if observed.silent:
        return Refusal(reason=SILENT, message=_silence(observed))
    # A Venue whose account only counts may have no executor that is ready: how old its account is, risk says.
    traded_on = {leg.venue for leg in live.config.hedge_with}
    unready = [
        view
        for view in observed.venues.values()
        if view.key in traded_on and (view.ready is None or view.ready.status != Status.TRUE)
    ]
    if unready:
        words = "; ".join(
            f"{view.key}: {view.ready.message if view.ready else 'not looked at'}" for view in unready
        )
        return Refusal(reason="VenueNotReady", message=words)
    state = _fresh_state(observed, live)
    if state is not None and state.state == STALE:
        return Refusal(
            reason="StaleInput", message="an input is missing, stale or invalid: see `hedgerow explain`"
        )
    if state is not None and state.state == UNFILLED:
        return Refusal(
            reason="HedgeUnfilled",
            message="no rung of its escalation filled the hedge: see `hedgerow explain` and `hedgerow orders`",
        )
    if refusal is not None:
        return Refusal(
            reason="LastGoodLive",
            message=f"generation {observed.generation} is refused, so generation {live.generation} goes on",
        )
    return None


def _missing_roles(observed: Observed, live: StrategyPublished | None) -> list[str]:
    if live is None:
        return []
    required = required_roles(live.config)
    if required <= observed.acknowledged:
        return []
    late = observed.now_ns - live.published_ns >= LATE_NS
    return sorted(required - observed.acknowledged if late else required)


def _silence(observed: Observed) -> str:
    return (
        f"nothing was heard of {', '.join(observed.silent)} for {SILENT_NS // SECOND_NS} s: no worker runs this "
        "strategy there, or Kafka is away; `hedgerow status` and the workers' pods say more"
    )


def _fresh_state(observed: Observed, live: StrategyPublished) -> Any:
    state = observed.state
    return (
        state if state is not None and (state.uid, state.generation) == (live.uid, live.generation) else None
    )


def _policy(observed: Observed, live: StrategyPublished) -> str | None:
    """Of the spec that is live: the newest, or the last good one."""
    if live.generation >= observed.generation:
        return str(observed.resource["spec"]["policy"]["type"])
    return str(observed.last_good.spec["policy"]["type"]) if observed.last_good is not None else None


def _state(observed: Observed, live: StrategyPublished) -> str | None:
    """Until hedging has decided under the new generation, the old state stands; when nobody looks, nobody knows."""
    if observed.silent:
        return "Unknown"
    state = _fresh_state(observed, live)
    return state.state if state is not None else None


def _note(transition: Transition) -> Note | None:
    """Refusals, troubles and their end; what the rest says stands in the conditions."""
    after, before = transition.after, transition.before
    if after.type == "Accepted" and after.status is Status.FALSE:
        return Note(warning=True, reason=after.reason, message=after.message)
    if after.type == "Degraded" and after.status is Status.TRUE:
        return Note(warning=True, reason=after.reason, message=after.message)
    if after.type == "Degraded" and before is not None and before.status is Status.TRUE:
        return Note(warning=False, reason="Recovered", message=f"no longer {before.reason}")
    return None
