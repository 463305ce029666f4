"""What the operator has seen of the cluster, and whom a change concerns."""

from collections.abc import Hashable, Iterator

from hedgerow_operator.kinds import DEPLOYMENT, HALT, REVISION, SECRET, STRATEGY, VENUE, Kind, Object, key_of
from hedgerow_operator.objects import read_last_good
from hedgerow_operator.observed import LastGood, Rival
from hedgerow_operator.store import Store, secret_keys, without_noise
from hedgerow_operator.venue_workers import VENUE_LABEL, WORKERS
from hedgerow_operator.work_queue import Item

WATCHED = (STRATEGY, VENUE, HALT, SECRET, DEPLOYMENT)
RECONCILED = (STRATEGY, VENUE, HALT)


class World:
    """One store for each kind. `changed` says what is to be reconciled after an object of a kind changed."""

    def __init__(self) -> None:
        self.stores = {
            STRATEGY.kind: Store(without_noise, _strategy_index),
            VENUE.kind: Store(without_noise, _secrets_of),
            HALT.kind: Store(without_noise),
            SECRET.kind: Store(secret_keys),
            DEPLOYMENT.kind: Store(_executor),
            REVISION.kind: Store(without_noise, _owners),
        }

    def of(self, kind: Kind) -> Store:
        return self.stores[kind.kind]

    def find(self, kind: Kind, key: str) -> Object | None:
        return self.of(kind).objects.get(key)

    def changed(self, kind: Kind, key: str) -> Iterator[Item]:
        """Whom it concerns that the object of this kind and key changed, came or went."""
        if kind in RECONCILED:
            yield kind.kind, key
        if kind is STRATEGY and self.find(STRATEGY, key) is None:
            yield from ((STRATEGY.kind, loser) for loser in self.losers())
        if kind is VENUE:
            yield from ((STRATEGY.kind, user) for user in self.strategies_on(key))
        if kind is SECRET:
            yield from ((VENUE.kind, venue) for venue in self.of(VENUE).found_by(key))
        if kind is DEPLOYMENT:
            # Its name says it also when the object is gone.
            for worker in WORKERS:
                if key.endswith(worker.name("")):
                    yield VENUE.kind, key.removesuffix(worker.name(""))

    def strategies_on(self, venue: str) -> list[str]:
        """Strategies that declare a leg on this Venue, or count its account."""
        return self.of(STRATEGY).found_by(venue)

    def rivals(self, resource: Object) -> tuple[Rival, ...]:
        """Others that declare one of its legs."""
        strategies, key = self.of(STRATEGY), key_of(resource)
        return tuple(
            _rival(strategies.objects[other], venue, instrument)
            for venue, instrument in dict.fromkeys(legs_of(resource))
            for other in strategies.found_by((venue, instrument))
            if other != key
        )

    def last_goods(self, resource: Object) -> list[LastGood]:
        """What is kept of a strategy's accepted specs, the newest first."""
        revisions = self.of(REVISION)
        found = [
            read_last_good(revisions.objects[key]) for key in revisions.found_by(resource["metadata"]["uid"])
        ]
        return sorted(found, key=lambda good: good.generation, reverse=True)

    def losers(self) -> list[str]:
        """Strategies that wait for a leg that another one owns."""
        return [
            key
            for key, body in self.of(STRATEGY).objects.items()
            if any(
                item.get("reason") == "Conflict"
                for item in (body.get("status") or {}).get("conditions") or ()
            )
        ]


def _rival(body: Object, venue: str, instrument: str) -> Rival:
    return Rival(
        key=key_of(body),
        created=str(body["metadata"]["creationTimestamp"]),
        venue=venue,
        instrument=instrument,
        refused=_is_refused(body) or "deletionTimestamp" in body["metadata"],
    )


def _strategy_index(body: Object) -> Iterator[Hashable]:
    yield from _counted_on(body)
    for venue, instrument in legs_of(body):
        yield venue
        yield venue, instrument


def _owners(body: Object) -> list[str]:
    return [owner["uid"] for owner in body["metadata"].get("ownerReferences", ())]


def _secrets_of(venue: Object) -> Iterator[str]:
    for worker in WORKERS:
        name = secret_of(venue, worker.use)
        if name:
            yield f"{venue['metadata']['namespace']}/{name}"


def legs_of(resource: Object) -> list[tuple[str, str]]:
    """(Venue's `namespace/name`, instrument) of each leg, as far as they can be read."""
    namespace = resource["metadata"]["namespace"]
    legs = (resource.get("spec") or {}).get("hedgeWith") or ()
    return [
        (f"{namespace}/{leg['venueRef']['name']}", leg["instrument"])
        for leg in legs
        if isinstance(leg, dict) and "instrument" in leg and "name" in (leg.get("venueRef") or {})
    ]


def venues_of(resource: Object) -> set[str]:
    """The key of each Venue that a strategy hedges on, or whose account it counts, as far as they can be read."""
    return {venue for venue, _ in legs_of(resource)} | set(_counted_on(resource))


def _counted_on(resource: Object) -> Iterator[str]:
    """The key of each Venue whose account counts towards the exposure, as far as they can be read."""
    for source in (resource.get("spec") or {}).get("exposure") or ():
        account = source.get("account") if isinstance(source, dict) else None
        name = ((account or {}).get("venueRef") or {}).get("name") if isinstance(account, dict) else None
        if name:
            yield f"{resource['metadata']['namespace']}/{name}"


def secret_of(venue: Object, use: str) -> str | None:
    """The Secret that a Venue names for this use, `trade` or `read`."""
    credentials = (venue.get("spec") or {}).get("credentials") or {}
    name = ((credentials.get(use) or {}).get("secretRef") or {}).get("name")
    return str(name) if name else None


def _is_refused(resource: Object) -> bool:
    """The operator has looked at its newest generation, and it may not run for a reason of its own."""
    status = resource.get("status") or {}
    if status.get("observedGeneration") != resource["metadata"].get("generation"):
        return False
    return any(
        item.get("type") == "Accepted" and item.get("status") == "False" and item.get("reason") != "Conflict"
        for item in status.get("conditions") or ()
    )


def _executor(body: Object) -> Object | None:
    return without_noise(body) if VENUE_LABEL in (body["metadata"].get("labels") or {}) else None
