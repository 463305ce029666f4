"""Reconciling a Venue: the ledger knows it, one executor runs for it, and one collector where it names a read key."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from hedgerow.ledger.publishers import DeclaredElsewhere, Publisher
from hedgerow.ledger.strategies import strategies_on_venue
from hedgerow.ledger.venues import publish_venue, venues_beside
from hedgerow.strategy.venue import Venue
from hedgerow_operator.cluster import Cluster
from hedgerow_operator.kinds import DEPLOYMENT, SECRET, VENUE, Object
from hedgerow_operator.ledger_side import LedgerSide
from hedgerow_operator.settings import ExecutorSettings
from hedgerow_operator.validate import Refusal
from hedgerow_operator.venue_report import VenueVerdict, judge_venue, report_venue, secret_problem
from hedgerow_operator.venue_workers import COLLECTOR, EXECUTOR, WORKERS, VenueWorker, build_deployment
from hedgerow_operator.world import World, secret_of
from hedgerow_operator.writing import Writer

_log = structlog.get_logger(__name__)


class VenueReconciler:
    """Idempotent, as for strategies. A Venue that is refused leaves its executor and the ledger's row as they are.

    Args:
        wake: called with the key of each strategy that a change of a Venue concerns.
    """

    def __init__(
        self,
        cluster: Cluster,
        writer: Writer,
        world: World,
        ledger: LedgerSide,
        settings: ExecutorSettings,
        wake: Callable[[str], None],
    ) -> None:
        self._cluster, self._writer, self._world = cluster, writer, world
        self._ledger, self._settings, self._wake = ledger, settings, wake
        # By Venue and role: what was applied, and the generation that the Deployment had then. A Deployment that
        # somebody edited has another one.
        self._applied: dict[tuple[str, str], tuple[Object, int]] = {}

    async def reconcile(self, key: str) -> None:
        """One Venue.

        Raises:
            ClusterUnreachable, LedgerUnreachable: to be tried again.
            Gone: the object was deleted meanwhile.
        """
        resource = self._world.find(VENUE, key)
        if resource is None or "deletionTimestamp" in resource["metadata"]:
            # Its workers go with it; the ledger's row goes when no strategy needs it (see `resync`).
            for worker in WORKERS:
                self._applied.pop((key, worker.role), None)
            return
        verdict = await self._publish(resource, key)
        if verdict.venue is not None:
            await self._run(EXECUTOR, resource, verdict.venue)
            if self._why_not_collected(resource) is None and secret_of(resource, COLLECTOR.use):
                await self._run(COLLECTOR, resource, verdict.venue)
        found = report_venue(
            resource,
            verdict.refusal,
            self._deployment(EXECUTOR, key),
            time.time_ns(),
            not_collected=self._why_not_collected(resource),
            collector=self._deployment(COLLECTOR, key),
        )
        if await self._writer.status(VENUE, resource, found.status, found.notes):
            for strategy in self._world.strategies_on(key):
                self._wake(strategy)

    async def _publish(self, resource: Object, key: str) -> VenueVerdict:
        secret = self._secret(resource, EXECUTOR)
        async with self._ledger.connection() as connection:
            beside = await venues_beside(connection, key, _account(resource))
            venues = {venue.key: venue for venue in beside}
            live = [item.config for item in await strategies_on_venue(connection, key)]
            verdict = judge_venue(resource, secret, venues, live)
            if verdict.compiled is None or venues.get(key) == verdict.compiled:
                return verdict
            return await self._write_row(connection, verdict)

    async def _write_row(self, connection: Any, verdict: VenueVerdict) -> VenueVerdict:
        assert verdict.compiled is not None
        try:
            await publish_venue(connection, verdict.compiled, time.time_ns(), Publisher.CLUSTER)
        except DeclaredElsewhere as error:
            return VenueVerdict(refusal=Refusal(reason="DeclaredElsewhere", message=str(error)))
        _log.info("venue published", venue=verdict.compiled.key)
        return verdict

    async def _run(self, worker: VenueWorker, resource: Object, venue: Venue) -> None:
        secret, name = self._secret(resource, worker), secret_of(resource, worker.use)
        assert secret is not None
        assert name is not None
        wanted = build_deployment(
            worker,
            venue,
            resource["metadata"]["uid"],
            name,
            secret["metadata"]["resourceVersion"],
            self._settings,
        )
        there = self._world.find(DEPLOYMENT, f"{venue.metadata.namespace}/{wanted['metadata']['name']}")
        generation = there["metadata"].get("generation", 0) if there is not None else None
        if self._applied.get((venue.key, worker.role)) == (wanted, generation):
            return
        applied = await self._cluster.apply(DEPLOYMENT, wanted)
        self._world.of(DEPLOYMENT).offer(applied)
        self._applied[venue.key, worker.role] = (wanted, applied["metadata"].get("generation", 0))

    def _why_not_collected(self, resource: Object) -> Refusal | None:
        """What keeps the account from being collected although a read key is named."""
        name = secret_of(resource, COLLECTOR.use)
        if name is None:
            return None
        namespace = resource["metadata"]["namespace"]
        return secret_problem(name, namespace, self._secret(resource, COLLECTOR), "the collector of accounts")

    def _deployment(self, worker: VenueWorker, key: str) -> Object | None:
        namespace, name = key.split("/")
        return self._world.find(DEPLOYMENT, f"{namespace}/{worker.name(name)}")

    def _secret(self, resource: Object, worker: VenueWorker) -> Object | None:
        name = secret_of(resource, worker.use)
        return self._world.find(SECRET, f"{resource['metadata']['namespace']}/{name}") if name else None


def _account(resource: Object) -> str:
    """As far as it can be read."""
    return str(((resource.get("spec") or {}).get("account") or {}).get("id"))
