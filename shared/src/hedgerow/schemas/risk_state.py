"""`risk.state`: what risk tells of one strategy, and the values that it is made of."""

from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO, require_amounts
from hedgerow.schemas.records import Funding, Record, Score, Uid


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What an instrument is worth now, in quote currency; `depth_usd`: what rests within `depth_bps` of the mid, both
    sides, as the quote measured it."""

    instrument: str
    bid: Decimal
    ask: Decimal
    mid: Decimal
    time_ns: int
    sequence: int
    valid: bool
    reason: str = ""
    depth_usd: float = 0.0
    depth_bps: float = 0.0
    funding: Funding | None = None

    def __post_init__(self) -> None:
        require_amounts(f"the mark of {self.instrument}", (self.bid, self.ask, self.mid))


class InputProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why an input cannot be relied on: `Missing`, `Stale`, `Invalid` or `Unknown`, and the numbers."""

    input: str
    code: str
    detail: str


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Unhedged net delta of one underlying.

    Attributes:
        delta: in units of the underlying.
        mark: price of one unit in the strategy's currency; notional: delta x mark.
    """

    underlying: str
    delta: Decimal
    mark: Decimal
    notional: Decimal

    def __post_init__(self) -> None:
        require_amounts(f"the exposure to {self.underlying}", (self.delta, self.mark, self.notional))


class Collateral(msgspec.Struct, frozen=True, kw_only=True):
    """What covers a loan, of one asset: `value` is quantity x price x haircut, in the strategy's currency.

    A quantity below zero counts in full, as the debt that it is.
    """

    asset: str
    quantity: Decimal
    price: Decimal
    haircut: Decimal

    def __post_init__(self) -> None:
        require_amounts(f"the collateral in {self.asset}", (self.quantity, self.price, self.haircut))

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price * (self.haircut if self.quantity > 0 else 1)


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed of one asset, interest included, in units of it; `price` in the strategy's currency."""

    asset: str
    quantity: Decimal
    interest: Decimal
    price: Decimal

    def __post_init__(self) -> None:
        require_amounts(f"the debt in {self.asset}", (self.quantity, self.interest, self.price))

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price


class LoanStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A loan at the marks: what is owed, and what covers it, asset by asset."""

    debts: tuple[Debt, ...]
    covers: tuple[Collateral, ...]

    @property
    def debt(self) -> Decimal:
        return sum((item.value for item in self.debts), ZERO)

    @property
    def collateral(self) -> Decimal:
        return sum((item.value for item in self.covers), ZERO)


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What the positions of one underlying were entered at, and what they gained since.

    Attributes:
        cost: what was paid or got for them, whichever side they are on; profit: unrealised, each at its own mid. In
            the strategy's currency, of the positions whose entry is known.
        since_ns: of the oldest of these; None without one.
        unknown: the positions whose entry is not known, by book and instrument.
    """

    underlying: str
    cost: Decimal
    profit: Decimal
    since_ns: int | None
    unknown: tuple[str, ...] = ()


class Volatility(msgspec.Struct, frozen=True, kw_only=True):
    """Of the mark of one underlying: annualised standard deviation of log returns (1.0 is 100 %), from so many bars."""

    underlying: str
    annualised: float
    bars: int


class RiskState(Record, frozen=True, kw_only=True, tag="RiskState"):
    """`risk.state`: the unhedged exposure of one strategy, and whether it can be relied on.

    Attributes:
        sequence: offset of the input that caused it, so that a replay writes the same bytes.
        time_ns: `routed_ns` of that input, which is risk's only clock.
        cause: which input that was, e.g. `quote:BTC/USDT:1723161254206652067`.
        loan: of a strategy that has one to watch; None while something of it cannot be valued.
        inventories, volatilities: of the underlyings whose policy asks for them.
    """

    strategy: str
    uid: Uid
    generation: int
    revision: str
    sequence: int
    time_ns: int
    cause: str
    ready: bool
    problems: tuple[InputProblem, ...]
    exposures: tuple[Exposure, ...]
    marks: tuple[Mark, ...]
    scores: tuple[Score, ...] = ()
    loan: LoanStanding | None = None
    inventories: tuple[Inventory, ...] = ()
    volatilities: tuple[Volatility, ...] = ()
