"""Risk inputs."""

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace

import hedge_examples as example
import msgspec
import pytest

from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.loans import Loan
from hedgerow.schemas.records import (
    BookInput,
    BookKind,
    ClientBook,
    MarkInput,
    Quote,
    StrategyInput,
    StrategyPublished,
)
from hedgerow.strategy.compiled import BookSource, CompiledStrategy, Leg

SECOND_NS = 1_000_000_000
SPOT = "BTC/USDT"
PERPETUAL = "BTC/USDT:USDT"


def config(
    name: str = "btc",
    books: tuple[str, ...] = ("clients",),
    legs: tuple[str, ...] = (PERPETUAL,),
    underlying: str = "BTC",
    suspend: bool = False,
) -> CompiledStrategy:
    """Quotes may be 3 s old, books 15 s."""
    return example.strategy(
        namespace="demo",
        name=name,
        suspend=suspend,
        exposure=tuple(BookSource(name=book, book=book) for book in books),
        hedge_with=tuple(
            Leg(index=index, venue="v", account="a", instrument=LISTINGS[symbol])
            for index, symbol in enumerate(legs)
        ),
        bands=(msgspec.structs.replace(example.band(), underlying=underlying),),
    )


def generation(
    strategy: CompiledStrategy | None,
    number: int = 1,
    now_ns: int = SECOND_NS,
    uid: str = example.UID,
    name: str = "btc",
) -> StrategyInput:
    published = (
        None
        if strategy is None
        else StrategyPublished(
            uid=uid, generation=number, revision=f"r{number}", published_ns=1, config=strategy
        )
    )
    return StrategyInput(strategy=f"demo/{name}", routed_ns=now_ns, published=published)


def mark(
    symbol: str = PERPETUAL,
    sequence: int = 1,
    time_ns: int = SECOND_NS,
    now_ns: int = SECOND_NS,
    mid: float = 60_000.0,
    valid: bool = True,
    name: str = "btc",
) -> MarkInput:
    quote = Quote(
        instrument=symbol,
        underlying="BTC",
        sequence=sequence,
        time_ns=time_ns,
        source_time_ns=time_ns,
        bid=mid - 0.5 if valid else 0.0,
        ask=mid + 0.5 if valid else 0.0,
        bid_size=1.0,
        ask_size=1.0,
        mid=mid if valid else 0.0,
        spread_bps=0.2,
        imbalance=0.0,
        depth_bps=20.0,
        bid_depth_usd=1.0,
        ask_depth_usd=1.0,
        reach_bps=20.0,
        valid=valid,
        reason="" if valid else "crossed",
    )
    return MarkInput(strategy=f"demo/{name}", routed_ns=now_ns, quote=quote)


def book(
    positions: dict[str, Decimal] | None = None,
    sequence: int = 1,
    published_ns: int = SECOND_NS,
    now_ns: int = SECOND_NS,
    book_name: str = "clients",
    name: str = "btc",
    loans: tuple[Loan, ...] | None = None,
    as_of_ns: int = 1,
) -> BookInput:
    """Of positions, or of loans when there are any given."""
    record = ClientBook(
        name=book_name,
        sequence=sequence,
        as_of_ns=as_of_ns,
        published_ns=published_ns,
        positions=positions or {},
        kind=BookKind.POSITIONS if loans is None else BookKind.LOANS,
        loans=loans or (),
    )
    return BookInput(strategy=f"demo/{name}", routed_ns=now_ns, book=record)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Makers of configs and inputs, by name."""
    makers: dict[str, Callable[..., object]] = {
        "config": config,
        "generation": generation,
        "mark": mark,
        "book": book,
    }
    return SimpleNamespace(**makers)
