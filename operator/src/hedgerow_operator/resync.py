"""Everything, from time to time: lists what watches may have missed, and takes away what nobody declares any more."""

import structlog

from hedgerow.ledger.halts import standing_halts
from hedgerow.ledger.publishers import Publisher
from hedgerow.ledger.strategies import cluster_strategies, strategy_keys
from hedgerow.ledger.venues import VenueInUse, cluster_venues, remove_venue
from hedgerow.schemas.topics import STRATEGIES
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.publisher import withdraw
from hedgerow.streams.sender import Sender
from hedgerow_operator.cluster import Cluster
from hedgerow_operator.halts import SOURCE, HaltReconciler
from hedgerow_operator.kinds import DEPLOYMENT, HALT, REVISION, SECRET, STRATEGY, VENUE, Kind
from hedgerow_operator.ledger_side import LedgerSide
from hedgerow_operator.venue_workers import MANAGED_BY
from hedgerow_operator.work_queue import WorkQueue
from hedgerow_operator.world import RECONCILED, World

_log = structlog.get_logger(__name__)
_OURS = ",".join(f"{name}={value}" for name, value in MANAGED_BY.items())
_SELECTORS = {DEPLOYMENT.kind: _OURS, REVISION.kind: _OURS}
_LISTED = (SECRET, DEPLOYMENT, REVISION, VENUE, HALT, STRATEGY)


class Resync:
    """See the module."""

    def __init__(
        self,
        cluster: Cluster,
        world: World,
        ledger: LedgerSide,
        sender: Sender,
        halts: HaltReconciler,
        queue: WorkQueue,
        namespaces: tuple[str, ...],
    ) -> None:
        self._cluster, self._world, self._ledger, self._sender = cluster, world, ledger, sender
        self._halts, self._queue, self._namespaces = halts, queue, namespaces

    async def run_once(self) -> None:
        """List, queue every object, and sweep.

        Raises:
            ClusterUnreachable, LedgerUnreachable, KafkaUnreachable: the rest is for the next time.
        """
        for kind in _LISTED:
            await self._list(kind)
        for kind in RECONCILED:
            for key in self._world.of(kind).objects:
                self._queue.look_again((kind.kind, key))
        await self._sweep()

    async def sweep_topic(self, kafka: str) -> None:
        """At start: keys of the topic `strategies` that nothing in the ledger stands behind get their tombstone.

        Raises:
            KafkaError, KafkaUnreachable, LedgerUnreachable
        """
        keys: dict[str, bool] = {}
        async with LogReader(kafka, (STRATEGIES.name, 0)) as log:
            async for message in log.read(await log.first(), await log.end()):
                if message.key is not None:
                    keys[message.key.decode()] = message.value is not None
        async with self._ledger.connection() as connection:
            live = set(await strategy_keys(connection))
        for key in (key for key, stands in keys.items() if stands and self._ours(key) and key not in live):
            await self._sender.send(STRATEGIES.name, key, None)
            _log.warning("orphaned key tombstoned", strategy=key)

    async def _list(self, kind: Kind) -> None:
        store = self._world.of(kind)
        known = store.begin_list()
        listed = await self._cluster.list(kind, self._namespaces, _SELECTORS.get(kind.kind))
        for key in store.end_list(known, listed):
            for item in self._world.changed(kind, key):
                self._queue.add(item)

    async def _sweep(self) -> None:
        """What the ledger holds of this cluster's namespaces and no resource declares any more."""
        async with self._ledger.connection() as connection:
            for item in await cluster_strategies(connection):
                key = item.config.key
                # As the world is now, not as it was when the ledger was asked: what was published meanwhile is in it.
                # One that was made anew under the name takes its place when it is published.
                if self._ours(key) and self._world.find(STRATEGY, key) is None:
                    await withdraw(connection, self._sender, key, Publisher.CLUSTER)
                    _log.warning("orphaned strategy withdrawn", strategy=key, uid=item.uid)
            for key in await cluster_venues(connection):
                if self._ours(key) and self._world.find(VENUE, key) is None:
                    await self._remove_venue(connection, key)
            halts = [halt for halt in await standing_halts(connection) if halt.source.startswith(SOURCE)]
        for source in {halt.source for halt in halts}:
            key = source.removeprefix(SOURCE)
            if self._ours(key) and self._world.find(HALT, key) is None:
                await self._halts.release(key)

    async def _remove_venue(self, connection: object, key: str) -> None:
        try:
            if await remove_venue(connection, key, Publisher.CLUSTER):
                _log.info("venue removed", venue=key)
        except VenueInUse as error:
            # Its strategies are Degraded, not dead; the row waits for the Venue to come back.
            _log.info("venue stays in the ledger", venue=key, why=str(error))

    def _ours(self, key: str) -> bool:
        return not self._namespaces or key.partition("/")[0] in self._namespaces
