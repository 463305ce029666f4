"""`hedgerow delete`: the only way in which something that is live goes away."""

from hedgerow.cli.exits import ExitCode, Refused, UsageError
from hedgerow.cli.names import Kind, key_of, kind_of
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import find_strategy, read_strategies
from hedgerow.ledger.venues import VenueInUse, read_venues, remove_venue
from hedgerow.streams.publisher import withdraw
from hedgerow.streams.sender import Sender


async def delete(servers: Servers, kind: str, name: str, namespace: str) -> ExitCode:
    """Take a strategy or a venue away. A strategy's position stays as it is, at the venue and in the ledger.

    Raises:
        Refused: there is no such resource, or a strategy still needs it.
        UsageError: the kind cannot be deleted.
    """
    key = key_of(name, namespace)
    match kind_of(kind):
        case Kind.STRATEGY:
            await _delete_strategy(servers, key)
        case Kind.VENUE:
            await _delete_venue(servers, key)
        case Kind.HALT:
            raise UsageError("a halt is not deleted but released: `hedgerow release --help`")
    return ExitCode.OK


async def _delete_strategy(servers: Servers, key: str) -> None:
    async with open_ledger(servers) as connection:
        current = await find_strategy(connection, key)
        snapshot = await read_snapshot(connection, current.uid, 0) if current else None
        removed = await withdraw(connection, Sender(servers.kafka), key)
        if removed is None:
            there = ", ".join(item.config.key for item in await read_strategies(connection))
            raise Refused(f"there is no HedgeStrategy {key}; there are: {there or 'none'}")
    print(f"HedgeStrategy {key} deleted (was generation {removed.generation})")
    for held in snapshot.positions if snapshot else ():
        if held.quantity:
            print(
                f"Its hedge of {held.quantity:f} contracts of {held.instrument} is left on account {held.account}."
            )


async def _delete_venue(servers: Servers, key: str) -> None:
    async with open_ledger(servers) as connection:
        try:
            removed = await remove_venue(connection, key)
        except VenueInUse as error:
            raise Refused(str(error)) from None
        if not removed:
            there = ", ".join(venue.key for venue in await read_venues(connection))
            raise Refused(f"there is no Venue {key}; there are: {there or 'none'}")
    print(f"Venue {key} deleted")
