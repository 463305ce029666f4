"""Reconciling a Venue: the ledger knows it, and one executor runs for it."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from hedgerow.ledger.strategies import (
    DeclaredElsewhere,
    Publisher,
    publish_venue,
    strategies_on_venue,
    venues_beside,
)
from hedgerow.strategy.venue import Venue
from hedgerow_operator.cluster import Cluster
from hedgerow_operator.executor_deployment import build_executor_deployment, executor_name
from hedgerow_operator.kinds import DEPLOYMENT, SECRET, VENUE, Object
from hedgerow_operator.ledger_side import LedgerSide
from hedgerow_operator.settings import ExecutorSettings
from hedgerow_operator.validate import Refusal
from hedgerow_operator.venue_report import VenueVerdict, judge_venue, report_venue
from hedgerow_operator.world import World, trade_secret
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
        # By Venue: what was applied, and the generation that the Deployment had then. A Deployment that somebody
        # edited has another one.
        self._applied: dict[str, tuple[Object, int]] = {}

    async def reconcile(self, key: str) -> None:
        """One Venue.

        Raises:
            ClusterUnreachable, LedgerUnreachable: to be tried again.
            Gone: the object was deleted meanwhile.
        """
        resource = self._world.find(VENUE, key)
        if resource is None or "deletionTimestamp" in resource["metadata"]:
            # Its executor goes with it; the ledger's row goes when no strategy needs it (see `resync`).
            self._applied.pop(key, None)
            return
        verdict = await self._publish(resource, key)
        if verdict.venue is not None:
            await self._run_executor(resource, verdict.venue)
        namespace, name = key.split("/")
        deployment = self._world.find(DEPLOYMENT, f"{namespace}/{executor_name(name)}")
        found = report_venue(resource, verdict.refusal, deployment, time.time_ns())
        if await self._writer.status(VENUE, resource, found.status, found.notes):
            for strategy in self._world.strategies_on(key):
                self._wake(strategy)

    async def _publish(self, resource: Object, key: str) -> VenueVerdict:
        secret = self._secret(resource)
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

    async def _run_executor(self, resource: Object, venue: Venue) -> None:
        secret = self._secret(resource)
        assert secret is not None
        assert venue.spec.credentials is not None
        wanted = build_executor_deployment(
            venue,
            resource["metadata"]["uid"],
            venue.spec.credentials.trade.secret_ref.name,
            secret["metadata"]["resourceVersion"],
            self._settings,
        )
        there = self._world.find(DEPLOYMENT, f"{venue.metadata.namespace}/{wanted['metadata']['name']}")
        generation = there["metadata"].get("generation", 0) if there is not None else None
        if self._applied.get(venue.key) == (wanted, generation):
            return
        applied = await self._cluster.apply(DEPLOYMENT, wanted)
        self._world.of(DEPLOYMENT).offer(applied)
        self._applied[venue.key] = (wanted, applied["metadata"].get("generation", 0))

    def _secret(self, resource: Object) -> Object | None:
        name = trade_secret(resource)
        return self._world.find(SECRET, f"{resource['metadata']['namespace']}/{name}") if name else None


def _account(resource: Object) -> str:
    """As far as it can be read."""
    return str(((resource.get("spec") or {}).get("account") or {}).get("id"))
