"""Reconciling a HedgeStrategy: observe, validate, compile, publish, report."""

import time
from collections.abc import Callable

import msgspec
import structlog

from hedgerow.domain.instruments import LISTINGS
from hedgerow.ledger.connection import LedgerUnreachable
from hedgerow.ledger.publishers import DeclaredElsewhere
from hedgerow.ledger.strategies import LegConflict, PositionOpen, ResourceId
from hedgerow.schemas.acknowledging import required_roles
from hedgerow.schemas.records import StrategyPublished
from hedgerow.strategy.compile import revision_of
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow.streams.publisher import Change
from hedgerow.streams.sender import KafkaUnreachable
from hedgerow_operator.beats import Beats
from hedgerow_operator.cluster import Cluster
from hedgerow_operator.conditions import find
from hedgerow_operator.deletion import Deletion
from hedgerow_operator.kinds import REVISION, STRATEGY, VENUE, Object, key_of
from hedgerow_operator.ledger_side import LedgerSide, read_ledger
from hedgerow_operator.metrics import Metrics
from hedgerow_operator.objects import build_last_good, holds_finalizer, with_finalizers
from hedgerow_operator.observed import FINALIZER, Ledger, Observed, VenueView
from hedgerow_operator.publishing import Publishing
from hedgerow_operator.report import Outcome, report, unreachable
from hedgerow_operator.reports import Reports
from hedgerow_operator.validate import Refusal, Verdict, fall_back, judge
from hedgerow_operator.world import World, venues_of
from hedgerow_operator.writing import Writer

_log = structlog.get_logger(__name__)
LOOK_AGAIN_S = 1.0

# Strategy's uid, generation and revision.
Sent = tuple[str, int, str]


class StrategyReconciler:
    """Idempotent: whatever woke it, it brings one strategy to what its resource says.

    Args:
        wake: called with the key of each strategy that a leg may have become free for.
    """

    def __init__(
        self,
        cluster: Cluster,
        writer: Writer,
        world: World,
        ledger: LedgerSide,
        publishing: Publishing,
        reports: Reports,
        beats: Beats,
        deletion: Deletion,
        metrics: Metrics,
        wake: Callable[[str], None],
    ) -> None:
        self._cluster, self._writer, self._world, self._ledger = cluster, writer, world, ledger
        self._publishing, self._deletion, self._metrics = publishing, deletion, metrics
        self._reports, self._beats = reports, beats
        self._wake = wake
        # What the topic is known to have: a send that failed leaves the ledger ahead of it.
        self._sent: dict[str, Sent] = {}

    async def reconcile(self, key: str) -> float | None:
        """One strategy; returns after how many seconds to look again, when it may change by itself.

        Raises:
            ClusterUnreachable, LedgerUnreachable, KafkaUnreachable: to be tried again; the status says so.
            Gone: the object was deleted meanwhile.
        """
        resource = self._world.find(STRATEGY, key)
        if resource is None:
            self._sent.pop(key, None)
            self._reports.forget(key)
            return None
        if "deletionTimestamp" in resource["metadata"]:
            return await self._deletion.proceed(resource)
        resource = await self._hold(resource)
        try:
            observed = await self._observe(resource)
        except LedgerUnreachable as error:
            await self._report_unreachable(resource, error)
            raise
        verdict = judge(observed, LISTINGS)
        if verdict.waiting is not None:
            return LOOK_AGAIN_S
        outcome = await self._publish(observed, verdict)
        look_again_s = await self._report(observed, verdict, outcome)
        await self._keep_last_good(observed, verdict, outcome)
        if outcome.failure is not None:
            raise KafkaUnreachable(outcome.failure.message)
        return look_again_s

    async def _hold(self, resource: Object) -> Object:
        """Before anything is published: a deletion must wait for us."""
        if holds_finalizer(resource):
            return resource
        held = await self._cluster.apply(STRATEGY, with_finalizers(resource, [FINALIZER]))
        self._world.of(STRATEGY).offer(held)
        return held

    async def _observe(self, resource: Object) -> Observed:
        key, now_ns = key_of(resource), time.time_ns()
        last_good = next(iter(self._world.last_goods(resource)), None)
        specs = [resource] if last_good is None else [resource, resource | {"spec": last_good.spec}]
        venues = {venue for spec in specs for venue in venues_of(spec)}
        async with self._ledger.connection() as connection:
            ledger = await read_ledger(connection, key, venues)
        live = ledger.live
        return Observed(
            resource=resource,
            venues=self._venues(resource, ledger),
            rivals=self._world.rivals(resource),
            last_good=last_good,
            ledger=ledger,
            acknowledged=frozenset(),
            sent=live is not None and self._sent.get(key) == _sent(live),
            state=self._reports.state(key),
            silent=self._beats.silent_for(key),
            now_ns=now_ns,
        )

    def _venues(self, resource: Object, ledger: Ledger) -> dict[str, VenueView]:
        views = {}
        for key in venues_of(resource):
            body = self._world.find(VENUE, key)
            if body is None:
                continue
            status = body.get("status") or {}
            looked_at = status.get("observedGeneration") == body["metadata"]["generation"]
            conditions = status.get("conditions") or ()
            views[body["metadata"]["name"]] = VenueView(
                key=key,
                accepted=find(conditions, "Accepted") if looked_at else None,
                ready=find(conditions, "Ready"),
                compiled=ledger.venues.get(key),
            )
        return views

    async def _publish(self, observed: Observed, verdict: Verdict) -> Outcome:
        if verdict.config is None:
            return Outcome(live=observed.live)
        try:
            live = await self._make_live(observed, verdict.config, verdict.generation)
        except KafkaUnreachable as error:
            failure = Refusal(reason="KafkaUnreachable", message=str(error))
            return Outcome(live=observed.live, failure=failure)
        except (LegConflict, PositionOpen, DeclaredElsewhere) as error:
            refusal = Refusal(reason=_REASONS[type(error)], message=str(error))
            if not verdict.accepted:
                return Outcome(live=observed.live, refusal=refusal)
            stays = fall_back(observed, LISTINGS, refusal)
            outcome = await self._publish(observed, stays)
            return Outcome(live=outcome.live, refusal=refusal, failure=outcome.failure)
        return Outcome(live=live)

    async def _make_live(
        self, observed: Observed, config: CompiledStrategy, generation: int
    ) -> StrategyPublished:
        live = observed.live
        known = live is not None and observed.sent and live.generation >= generation
        if live is not None and known and live.revision == revision_of(config):
            return live
        key = config.key
        identity = ResourceId(uid=observed.uid, generation=generation)
        publication = await self._publishing.publish(config, identity)
        published = publication.published
        self._sent[key] = _sent(published)
        if publication.change is not Change.UNCHANGED:
            self._metrics.published.inc()
            if live is not None and not _owned(live) <= _owned(published):
                for loser in self._world.losers():
                    self._wake(loser)
            _log.info("published", strategy=key, generation=published.generation, revision=published.revision)
        return published

    async def _keep_last_good(self, observed: Observed, verdict: Verdict, outcome: Outcome) -> None:
        good = observed.last_good
        accepted = verdict.accepted and outcome.refusal is None and outcome.failure is None
        if not accepted or verdict.missing or (good is not None and good.generation == observed.generation):
            return
        made = await self._cluster.create(REVISION, build_last_good(observed.resource))
        if made is not None:
            self._world.of(REVISION).offer(made)
        for older in self._world.last_goods(observed.resource):
            if older.generation != observed.generation:
                namespace = observed.resource["metadata"]["namespace"]
                await self._cluster.delete(REVISION, namespace, older.name)
                self._world.of(REVISION).forget(f"{namespace}/{older.name}")

    async def _report(self, observed: Observed, verdict: Verdict, outcome: Outcome) -> float | None:
        live = outcome.live
        if live is not None:
            # Roles may have answered while it was published.
            acknowledged = self._reports.roles(live.config.key, observed.uid, live.generation)
            required = required_roles(live.config)
            if not required <= acknowledged:
                self._reports.await_roles(live.config.key, observed.uid, live.generation, required)
            observed = msgspec.structs.replace(observed, acknowledged=acknowledged)
        found = report(observed, verdict, outcome)
        await self._writer.status(STRATEGY, observed.resource, found.status, found.notes)
        return found.look_again_s

    async def _report_unreachable(self, resource: Object, error: LedgerUnreachable) -> None:
        failure = Refusal(reason="LedgerUnreachable", message=str(error))
        found = unreachable(resource["metadata"]["generation"], resource, failure, time.time_ns())
        await self._writer.status(STRATEGY, resource, found.status, found.notes)


_REASONS: dict[type[Exception], str] = {
    LegConflict: "Conflict",
    PositionOpen: "PositionOpen",
    DeclaredElsewhere: "DeclaredElsewhere",
}


def _sent(published: StrategyPublished) -> Sent:
    return published.uid, published.generation, published.revision


def _owned(published: StrategyPublished) -> set[tuple[str, str]]:
    return {(leg.venue, leg.instrument.symbol) for leg in published.config.hedge_with}
