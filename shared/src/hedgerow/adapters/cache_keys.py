"""What the cache holds under which key, and how one state is known to be newer than another. Pure.

A key is `hedgerow:{name}:kind`. The braces are Redis Cluster's hash tag: everything about one strategy lies in one
slot, so on one master. A value is the order of the state, 40 digits, and then the record as it goes over the wire.
"""

from typing import Any, Generic, TypeVar

import msgspec

from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.records import ClientBook, Quote, StrategySummary
from hedgerow.schemas.risk_state import RiskState

T = TypeVar("T", bound=msgspec.Struct)

DIGITS = 20
ORDER_BYTES = 2 * DIGITS
# What nobody repeats any more is gone after this; every source repeats its states once a second.
TTL_S = 5.0


class Kind(Generic[T]):
    """One kind of state. `name` ends its keys."""

    def __init__(self, name: str, record_type: Any) -> None:
        self.name = name
        self._decoder = Decoder[T](record_type)

    def key(self, of: str) -> str:
        """Where the state of this instrument, book or strategy is, and the channel that tells its changes.

        Raises:
            ValueError: the name would end its own hash tag.
        """
        if not of or "}" in of:
            raise ValueError(f"{of!r} cannot be a hash tag: it should be a name without '}}'")
        return f"hedgerow:{{{of}}}:{self.name}"

    def decode(self, value: bytes) -> T:
        """The record of a value.

        Raises:
            UndecodableRecord: it is none, or another version wrote it.
        """
        if len(value) <= ORDER_BYTES or not value[:ORDER_BYTES].isdigit():
            raise UndecodableRecord(f"{value[:60]!r} does not begin with {ORDER_BYTES} digits")
        return self._decoder.decode(value[ORDER_BYTES:])


class StrategyNames(msgspec.Struct, frozen=True, kw_only=True):
    """The live strategies as the ledger has them, so that a reader knows what to ask for."""

    names: tuple[str, ...]
    time_ns: int


QUOTES = Kind[Quote]("quote", Quote)
RISK_STATES = Kind[RiskState]("risk", RiskState)
SUMMARIES = Kind[StrategySummary]("summary", StrategySummary)
BOOKS = Kind[ClientBook]("book", ClientBook)
STRATEGIES = Kind[StrategyNames]("strategies", StrategyNames)
ALL_STRATEGIES = "all"


class Entry(msgspec.Struct, frozen=True):
    """One state for the cache: its key, its order (see `order_of`) and its record as it goes over the wire."""

    key: str
    order: bytes
    record: bytes

    @property
    def kind(self) -> str:
        return self.key.rpartition(":")[2]


def order_of(sequence: int, time_ns: int) -> bytes:
    """Orders compare as bytes as (sequence, time) compare as numbers: a repeated state is newer by its time.

    Raises:
        ValueError: a number is negative or has more than 20 digits.
    """
    order = b"%020d%020d" % (sequence, time_ns)
    if len(order) != ORDER_BYTES or sequence < 0 or time_ns < 0:
        raise ValueError(f"sequence {sequence} and time {time_ns} should be from 0 to 10^{DIGITS} - 1")
    return order
