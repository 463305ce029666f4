"""What the desk holds of each underlying: what its books brought in, and what hedges it. Pure."""

from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import ZERO

Mark = Callable[[str], Decimal | str]


class NetPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One underlying.

    Attributes:
        symbol: its cash listing; the underlying itself when only derivatives of it are listed.
        spot_qty, perp_qty: signed delta held in cash instruments and in derivatives, in units of the underlying.
        usd_delta: (spot_qty + perp_qty) x mid of `symbol`, in quote currency; None without a usable mark, which
            `problem` explains.
    """

    symbol: str
    spot_qty: Decimal
    perp_qty: Decimal
    usd_delta: Decimal | None
    problem: str | None


def net_positions(held: Iterable[tuple[str, Decimal]], mark: Mark) -> list[NetPosition]:
    """Sum holdings by underlying, in order of symbol.

    Args:
        held: unified symbol and signed quantity in contracts, books and hedges alike.
        mark: gives the mid of an instrument, or says in words why there is none.

    Raises:
        KeyError: a symbol is not listed.
    """
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for symbol, quantity in held:
        instrument = LISTINGS[symbol]
        spot, perp = sums.get(instrument.underlying, (ZERO, ZERO))
        delta = instrument.delta(quantity)
        sums[instrument.underlying] = (spot + delta, perp) if instrument.is_cash else (spot, perp + delta)
    rows = [_row(underlying, spot, perp, mark) for underlying, (spot, perp) in sums.items()]
    return sorted(rows, key=lambda row: row.symbol)


def _row(underlying: str, spot: Decimal, perp: Decimal, mark: Mark) -> NetPosition:
    listed = sorted(
        (item for item in LISTINGS.values() if item.underlying == underlying),
        key=lambda item: (not item.is_cash, item.symbol),
    )
    price = mark(listed[0].symbol)
    return NetPosition(
        symbol=listed[0].symbol if listed[0].is_cash else underlying,
        spot_qty=spot,
        perp_qty=perp,
        usd_delta=None if isinstance(price, str) else (spot + perp) * price,
        problem=price if isinstance(price, str) else None,
    )
