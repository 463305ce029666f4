"""What the order generator, the gateway and the ledger each say about the session's client orders."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from hedgerow_local.errors import LocalError

RECEIVED = "hedgerow_client_orders_received_total"
FILLED = "hedgerow_client_orders_filled_total"


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """The generator's own counts, as its file has them; see `hedgerow_generator.tally`."""

    accepted: int = 0
    filled: int = 0
    cancelled: int = 0
    refused: dict[str, int] = {}
    unpriced: dict[str, int] = {}
    unanswered: dict[str, int] = {}

    @property
    def posted(self) -> int:
        return self.accepted + sum(self.refused.values())


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """Client orders in the ledger."""

    accepted: int
    filled: int
    cancelled: int


class ClientOrders(msgspec.Struct, frozen=True, kw_only=True):
    """All sides.

    Attributes:
        own: the generator's orders in the ledger; everybody: all orders of the session in the ledger.
        gateway_received, gateway_filled: what the gateway counted, of everybody.
        gateway_restarts: a gateway that was killed may have recorded an order that it did not live to count.
    """

    generator: Generated
    own: Recorded
    everybody: Recorded
    gateway_received: int
    gateway_filled: int
    gateway_restarts: int


def read_generated(folder: Path, session_start_ns: int) -> Generated:
    """What the generator wrote down of a session; zeros when it wrote nothing.

    Raises:
        LocalError: the file is not readable.
    """
    path = folder / f"orders-{session_start_ns}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Generated)
    except FileNotFoundError:
        return Generated()
    except msgspec.DecodeError as problem:
        raise LocalError(f"{path} is not readable: {problem}") from None


def differences(orders: ClientOrders) -> list[str]:
    """Every disagreement, in words; empty when all sides agree and nothing waits any more."""
    generator, own, everybody = orders.generator, orders.own, orders.everybody
    found = [
        f"client orders {what}: the generator says {said}, the ledger {recorded}"
        for what, said, recorded in (
            ("accepted", generator.accepted, own.accepted),
            ("filled", generator.filled, own.filled),
            ("cancelled", generator.cancelled, own.cancelled),
        )
        if said != recorded
    ]
    for what, counted, recorded in (
        ("received", orders.gateway_received, everybody.accepted),
        ("filled", orders.gateway_filled, everybody.filled),
    ):
        lost_with_it = orders.gateway_restarts and counted < recorded
        if counted != recorded and not lost_with_it:
            found.append(f"client orders {what}: the gateway says {counted}, the ledger {recorded}")
    waiting = own.accepted - own.filled - own.cancelled
    if waiting:
        found.append(f"{waiting} of the generator's orders still wait")
    return found


def as_json(orders: ClientOrders) -> Mapping[str, object]:
    return {"posted": orders.generator.posted, **msgspec.to_builtins(orders)}
