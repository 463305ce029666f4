"""Wire records: states in the newest-wins sense, each with the sequence that its source gave it.

JSON through msgspec, one tag per type and a schema version `v` that a reader checks before anything else.
Prices and sizes of market data are float64; quantities of books, orders and positions are Decimal.
All times are UTC nanoseconds.

What a role would fail on later is refused where it is read: a `Uid` is a UUID, as the ledger's column is, and no
quantity or price is NaN, infinite or beyond all magnitude.
"""

from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import Annotated

import msgspec

from hedgerow.domain.accounts import AccountDebt, AccountPosition, require_sound
from hedgerow.domain.loans import Loan, owed_holdings
from hedgerow.domain.money import require_amounts
from hedgerow.domain.positions import Entry
from hedgerow.domain.price_sources import TAPE
from hedgerow.strategy.compiled import CompiledStrategy

SCHEMA_VERSION = 1
Uid = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    v: int = SCHEMA_VERSION


class Funding(msgspec.Struct, frozen=True, kw_only=True):
    """What a perpetual's longs pay its shorts at the end of the interval, as the venue tells it now.

    Attributes:
        rate: of the notional, for one interval; below zero the shorts pay.
        settled: the rates of the last 24 hours that were paid, oldest first; empty where the venue does not tell.
        time_ns: when the venue was asked.
    """

    rate: float
    interval_ns: int
    settled: tuple[float, ...]
    time_ns: int

    def __post_init__(self) -> None:
        if not all(map(isfinite, (self.rate, *self.settled))) or self.interval_ns <= 0:
            raise ValueError(f"{self} is no funding: rates are finite, and the interval is above zero")


class BookState(Record, frozen=True, kw_only=True, tag="BookState"):
    """`market.raw`: one order book as it stands now.

    Attributes:
        sequence: session start in ns plus the event's number on the tape, so that a restart goes on rising.
        time_ns: when it happened, on today's clock; source_time_ns: when it was recorded.
        bids, asks: up to 50 levels of (price, quantity), best first.
        bid_depth_usd, ask_depth_usd: value resting within `depth_bps` of the mid, full book, in quote currency.
        reach_bps: how far from the mid the shallower side of the known book extends, in bps.
        valid: False replaces the last good state; `reason` says why (crossed, not finite, zero, jump, empty).
        funding: of a perpetual, where the source tells it.
        source: where it comes from (`domain.price_sources`): a real venue's public data, or a tape.
    """

    instrument: str
    underlying: str
    sequence: int
    time_ns: int
    source_time_ns: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    depth_bps: float
    bid_depth_usd: float
    ask_depth_usd: float
    reach_bps: float
    valid: bool
    reason: str = ""
    funding: Funding | None = None
    source: str = TAPE


class MarketReset(Record, frozen=True, kw_only=True, tag="MarketReset"):
    """`market.raw`: the tape ended or begins anew; what was known of this instrument no longer holds."""

    instrument: str
    underlying: str
    sequence: int
    time_ns: int
    source_time_ns: int
    lap: int
    reason: str


class Quote(Record, frozen=True, kw_only=True, tag="Quote"):
    """`market.enriched`: the touch and what enrichment measures on it. A not-valid quote carries zeros.

    Attributes:
        spread_bps: (ask - bid) / mid in bps.
        imbalance: (bid_size - ask_size) / (bid_size + ask_size) at the touch, in [-1, 1].
        source: of the book that it measures.
    """

    instrument: str
    underlying: str
    sequence: int
    time_ns: int
    source_time_ns: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    mid: float
    spread_bps: float
    imbalance: float
    depth_bps: float
    bid_depth_usd: float
    ask_depth_usd: float
    reach_bps: float
    valid: bool
    reason: str = ""
    funding: Funding | None = None
    source: str = TAPE


class BookKind(StrEnum):
    """What a book is of; it stays so."""

    POSITIONS = "Positions"
    LOANS = "Loans"


class ClientBook(Record, frozen=True, kw_only=True, tag="ClientBook"):
    """`books`: the newest absolute positions, or the loans, of one book.

    Attributes:
        sequence: the ledger row's.
        positions: signed, in contracts (base units for spot); none in a book of loans.
        entries: of those positions whose entry is known.
        loans: by id; none in a book of positions.
    """

    name: str
    sequence: int
    as_of_ns: int
    published_ns: int
    positions: dict[str, Decimal]
    kind: BookKind = BookKind.POSITIONS
    loans: tuple[Loan, ...] = ()
    entries: dict[str, Entry] = {}

    def __post_init__(self) -> None:
        require_amounts("a position", self.positions.values())
        for loan in self.loans:
            require_amounts(f"loan {loan.id}", (loan.principal, loan.interest, *loan.collateral.values()))

    @property
    def holdings(self) -> dict[str, Decimal]:
        """Signed quantity by instrument: the positions, or what the loans make the desk short of."""
        return owed_holdings(self.loans) if self.kind is BookKind.LOANS else self.positions


class Score(Record, frozen=True, kw_only=True, tag="Score"):
    """`scores`: the newest sentiment score of one asset, in [0, 1]. It is repeated as it is while it is the newest.

    Attributes:
        sequence: its source's time in ns, so that a restart goes on where it was; time_ns: the same.
    """

    asset: str
    sequence: int
    time_ns: int
    score: float


class AccountState(Record, frozen=True, kw_only=True, tag="AccountState"):
    """`accounts`: the whole of one venue account, as one poll of the venue found it. What is not in it is zero.

    Attributes:
        venue: key of the Venue, `namespace/name`; account: its name there.
        sequence: the collector's start in ns plus the poll's number, so that a restart goes on rising.
        time_ns: when the poll began: nothing in it is older.
        wallet: units by asset, as they are in the account; below zero where it borrowed what it sold.
        collateral: units pledged for loans, by asset. They are not in the wallet.

    Raises:
        ValueError: an amount is not finite, or is below zero where none can be, or an asset or instrument stands twice.
    """

    venue: str
    account: str
    sequence: int
    time_ns: int
    wallet: dict[str, Decimal]
    collateral: dict[str, Decimal]
    debts: tuple[AccountDebt, ...]
    positions: tuple[AccountPosition, ...]

    def __post_init__(self) -> None:
        require_sound(self.wallet, self.collateral, self.debts, self.positions)


class StrategyPublished(Record, frozen=True, kw_only=True, tag="StrategyPublished"):
    """`strategies`: one generation of a strategy. A tombstone (null) takes it away."""

    uid: Uid
    generation: int
    revision: str
    published_ns: int
    config: CompiledStrategy


class MarkInput(Record, frozen=True, kw_only=True, tag="MarkInput"):
    """`risk.inputs`: the newest quote, as the router saw it at `routed_ns`."""

    strategy: str
    routed_ns: int
    quote: Quote


class BookInput(Record, frozen=True, kw_only=True, tag="BookInput"):
    """`risk.inputs`: the newest client book."""

    strategy: str
    routed_ns: int
    book: ClientBook


class ScoreInput(Record, frozen=True, kw_only=True, tag="ScoreInput"):
    """`risk.inputs`: the newest sentiment score."""

    strategy: str
    routed_ns: int
    score: Score


class AccountInput(Record, frozen=True, kw_only=True, tag="AccountInput"):
    """`risk.inputs`: the newest state of a venue account.

    Attributes:
        hedges: the instruments that any live strategy hedges with on it, sorted: they are no exposure of the account.
    """

    strategy: str
    routed_ns: int
    account: AccountState
    hedges: tuple[str, ...] = ()


class StrategyInput(Record, frozen=True, kw_only=True, tag="StrategyInput"):
    """`risk.inputs`: the generation from here on; `published` None takes the strategy away."""

    strategy: str
    routed_ns: int
    published: StrategyPublished | None


RiskInput = MarkInput | BookInput | ScoreInput | AccountInput | StrategyInput


class Acknowledgement(Record, frozen=True, kw_only=True, tag="Acknowledgement"):
    """`strategy.status`: the owner of the strategy's partition in this role runs this generation."""

    strategy: str
    role: str
    worker: str
    uid: str
    generation: int
    revision: str
    time_ns: int


class StrategyState(Record, frozen=True, kw_only=True, tag="StrategyState"):
    """`strategy.status`: where a strategy stands, as hedging decided last; sent when it changes.

    Attributes:
        state: InsideBand, OutsideBand, Unfilled, Flat, Stale, Halted or Suspended; instead of the first two the action
            of an inventory policy, and with policy LoanToValue Normal, Caution, Danger or Critical.
        detail: the decision's own words, with the numbers of that moment.
    """

    strategy: str
    uid: str
    generation: int
    state: str
    detail: str
    since_ns: int


StrategyReport = Acknowledgement | StrategyState


class RoleBeat(Record, frozen=True, kw_only=True, tag="RoleBeat"):
    """`role.beats`: this worker runs the role for these partitions of its home topic; repeated while it does."""

    role: str
    worker: str
    partitions: tuple[int, ...]
    time_ns: int


class StrategySummary(Record, frozen=True, kw_only=True, tag="StrategySummary"):
    """Cache only: what the ledger has of one live strategy, for those who look.

    Attributes:
        sequence: the strategy's version in the ledger; time_ns: when it was read.
        positions: the strategy's own hedge, signed contracts by instrument.
        halts: what stands against it, in words; empty when it may trade.
    """

    strategy: str
    uid: str
    generation: int
    mode: str
    sequence: int
    time_ns: int
    positions: dict[str, Decimal]
    open_intents: int
    halts: tuple[str, ...]


class HedgeDecided(Record, frozen=True, kw_only=True, tag="HedgeDecided"):
    """`hedge.decisions`: a hint, sent after commit; the ledger is the truth."""

    strategy: str
    uid: str
    decision: int
    intents: tuple[int, ...]
    decided_ns: int


class HedgeConcluded(Record, frozen=True, kw_only=True, tag="HedgeConcluded"):
    """`hedge.fills`: a hint, sent after commit; it wakes hedging to decide again."""

    strategy: str
    uid: str
    intent: int
    state: str
    filled_quantity: Decimal
    time_ns: int


class DeadLetter(Record, frozen=True, kw_only=True, tag="DeadLetter"):
    """`dead.letters`: a message that could not be used, whole, and why."""

    role: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    cause: str
    time_ns: int
