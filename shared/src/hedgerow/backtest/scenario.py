"""What a backtest plays: which bars, what is held and owed at the start, and what clients and scores do meanwhile."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec

from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import require_amounts

Positive = Annotated[float, msgspec.Meta(gt=0)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class BacktestError(ValueError):
    """A backtest cannot be run as asked; the text says what is wrong, where, and what would be right."""


class Borrowed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A loan drawn at the start. `annual_rate`: simple interest; 0.06 is 6 %."""

    asset: str
    principal: Decimal
    annual_rate: Decimal

    def __post_init__(self) -> None:
        require_amounts("principal", (self.principal,))
        require_amounts("annual_rate", (self.annual_rate,))


class Clients(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clients who trade one instrument with the desk at its touch, either side as often.

    Attributes:
        book: where the desk's side is booked.
        per_hour: trades to be expected; largest: in base units, from one lot up to it all are as likely.
    """

    book: str
    instrument: str
    per_hour: Positive
    largest: Decimal

    def __post_init__(self) -> None:
        require_amounts("largest", (self.largest,))
        listed = LISTINGS.get(self.instrument)
        if listed is None:
            raise ValueError(f"instrument is {self.instrument}; listed are {', '.join(sorted(LISTINGS))}")
        if self.largest < listed.lot_size:
            raise ValueError(f"largest is {self.largest:f}, less than a lot of {listed.lot_size:f}")


class ScoreWalk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A made-up sentiment score, in [0, 1]: every `every_s` it goes a tenth of the way to `mean`, and a normal step of
    deviation `step`. It knows nothing of the price."""

    asset: str
    mean: Fraction
    step: Fraction
    every_s: Positive


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file that says it all.

    Attributes:
        bars: a Parquet file for each instrument; funding: for each perpetual that has one. Paths as the file sees them.
        books: signed quantities at the start, by book and instrument; loans: by book.
        depth_usd: what rests within 20 bps of the mid, both sides: bars do not tell.
        taker_fee_bps: of what is traded.
        seed: of everything that is drawn.
    """

    bars: dict[str, str]
    funding: dict[str, str] = {}
    books: dict[str, dict[str, Decimal]] = {}
    loans: dict[str, tuple[Borrowed, ...]] = {}
    clients: tuple[Clients, ...] = ()
    scores: tuple[ScoreWalk, ...] = ()
    depth_usd: Positive
    taker_fee_bps: Decimal
    seed: int

    def __post_init__(self) -> None:
        require_amounts("taker_fee_bps", (self.taker_fee_bps,))
        for name, positions in self.books.items():
            require_amounts(f"a position of books.{name}", positions.values())
        both = sorted(self.loans.keys() & (self.books.keys() | {item.book for item in self.clients}))
        if both:
            raise ValueError(
                f"{', '.join(both)} stands under loans and under positions; a book is of one kind"
            )


def read_scenario(path: Path) -> Scenario:
    """
    Raises:
        BacktestError: there is no such file, or a field of it is missing, unknown or of the wrong type.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Scenario)
    except OSError as error:
        raise BacktestError(f"{path}: {error.strerror}; name a scenario, a JSON file") from None
    except msgspec.DecodeError as error:
        raise BacktestError(f"{path}: {error}") from None
