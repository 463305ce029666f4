"""Reading a request's parameters. Whatever this exchange does not do is refused, never ignored."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from hedgerow.domain.instruments import Instrument, InstrumentKind
from hedgerow.domain.orders import Side
from hedgerow_exchange.book import TimeInForce
from hedgerow_exchange.listings import Listing
from hedgerow_exchange.orders import OrderType, PlaceOrder
from hedgerow_exchange.refusals import Reason, Refused

Params = Mapping[str, Any]

_CATEGORIES = ("spot", "linear", "inverse", "option")

# What these would change is not built, so only the value that changes nothing is taken.
_HARMLESS: dict[str, tuple[Any, ...]] = {
    "positionIdx": (0, "0"),
    "orderFilter": ("Order",),
    "marketUnit": ("baseCoin",),
    "closeOnTrigger": (False,),
    "mmp": (False,),
}
_ORDER_PARAMS = {
    "category",
    "symbol",
    "side",
    "orderType",
    "qty",
    "price",
    "timeInForce",
    "orderLinkId",
    "reduceOnly",
    "isLeverage",
    *_HARMLESS,
}

_PLAIN_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_Word = TypeVar("_Word", bound=StrEnum)


class _HasNumber(Protocol):
    @property
    def number(self) -> int: ...


_Numbered = TypeVar("_Numbered", bound=_HasNumber)


def venue_symbol(listing: Listing) -> str:
    """Bybit's spelling; spot and perpetual share it and are told apart by their category. Futures have a date."""
    instrument = listing.instrument
    pair = instrument.base + instrument.quote
    if instrument.kind is not InstrumentKind.LINEAR_FUTURE:
        return pair
    return f"{pair}-{delivery(instrument):%d%b%y}".upper()


def delivery(instrument: Instrument) -> datetime:
    """When a future is delivered: at 08:00 UTC of the day that its unified symbol ends with, as at Bybit."""
    return datetime.strptime(f"{instrument.symbol[-6:]} 08 +0000", "%y%m%d %H %z")


def bad(message: str) -> Refused:
    return Refused(Reason.BAD_PARAMETER, f"params error: {message}")


def text(params: Params, name: str) -> str:
    """A parameter's text; empty when it is not given."""
    value = params.get(name, "")
    if not isinstance(value, str):
        raise bad(f"{name} should be a string, not {value!r}")
    return value


def category(params: Params) -> str:
    value = text(params, "category")
    if value not in _CATEGORIES:
        raise bad(f"category {value!r} should be one of {', '.join(_CATEGORIES)}")
    return value


def listings_of(listings: Mapping[str, Listing], params: Params) -> list[Listing]:
    """The listings of a request's category, narrowed by `symbol`, `baseCoin` and `settleCoin`."""
    wanted_category = category(params)
    found = [item for item in listings.values() if ("spot" if item.is_spot else "linear") == wanted_category]
    wanted = text(params, "symbol")
    if wanted:
        found = [listing for listing in found if venue_symbol(listing) == wanted]
        if not found:
            raise bad(f"symbol invalid: {wanted!r} is not listed in category {category(params)}")
    base, settle = text(params, "baseCoin"), text(params, "settleCoin")
    found = [item for item in found if not base or item.instrument.base == base]
    return [item for item in found if not settle or settle in (item.instrument.settle, item.instrument.quote)]


def one_listing(listings: Mapping[str, Listing], params: Params) -> Listing:
    if not text(params, "symbol"):
        raise bad("symbol is missing")
    return listings_of(listings, params)[0]


def order_command(listings: Mapping[str, Listing], params: Params) -> PlaceOrder:
    """The order that `/v5/order/create` asks for.

    Raises:
        Refused: a parameter is missing, is not what it should be, or is not supported.
    """
    listing = one_listing(listings, params)
    _refuse_unsupported(params)
    order_type = _word(OrderType, params, "orderType")
    is_market = order_type is OrderType.MARKET
    side = _word(Side, params, "side")
    spends = is_market and side is Side.BUY and listing.is_spot
    if spends and "marketUnit" not in params:
        raise bad("a spot Market purchase is in baseCoin here: send marketUnit=baseCoin")
    default = TimeInForce.IOC if is_market else TimeInForce.GTC
    reduce_only = params.get("reduceOnly", False)
    if not isinstance(reduce_only, bool):
        raise bad(f"reduceOnly should be true or false, not {reduce_only!r}")
    borrows = params.get("isLeverage", 0)
    if borrows not in (0, 1, "0", "1"):
        raise bad(f"isLeverage={borrows!r} should be 0 or 1")
    return PlaceOrder(
        symbol=listing.instrument.symbol,
        side=side,
        order_type=order_type,
        # Bybit counts linear contracts in units of the underlying.
        quantity=decimal(params, "qty") / listing.instrument.contract_size,
        price=None if is_market else decimal(params, "price"),
        time_in_force=_word(TimeInForce, params, "timeInForce", default),
        client_order_id=text(params, "orderLinkId"),
        reduce_only=reduce_only,
        borrows=borrows in (1, "1"),
    )


def limit(params: Params, default: int, largest: int) -> int:
    value = whole(params, "limit", default)
    if value is None or not 1 <= value <= largest:
        raise bad(f"limit {value} should be from 1 to {largest}")
    return value


def whole(params: Params, name: str, default: int | None = None) -> int | None:
    """A whole number, which GET sends as text."""
    value = params.get(name)
    if value is None or value == "":
        return default
    try:
        return int(str(value))
    except ValueError:
        raise bad(f"{name} {value!r} should be a whole number") from None


def page(newest_first: Iterable[_Numbered], params: Params, size: int) -> tuple[list[_Numbered], str]:
    """One page, and the cursor of the next (empty at the end). A cursor is the last item's number."""
    before = whole(params, "cursor")
    rows: list[_Numbered] = []
    for item in newest_first:
        if before is not None and item.number >= before:
            continue
        if len(rows) == size:
            return rows, str(rows[-1].number)
        rows.append(item)
    return rows, ""


def period_ms(params: Params) -> Callable[[int], bool]:
    """Whether a time lies between `startTime` and `endTime`, both inclusive and optional, in milliseconds."""
    start, end = whole(params, "startTime"), whole(params, "endTime")
    return lambda time_ms: (start is None or time_ms >= start) and (end is None or time_ms <= end)


def _refuse_unsupported(params: Params) -> None:
    for name, value in params.items():
        if name not in _ORDER_PARAMS:
            raise bad(f"{name} is not supported by the built-in exchange")
        if name in _HARMLESS and value not in _HARMLESS[name]:
            raise bad(f"{name}={value!r} is not supported by the built-in exchange")


def _word(words: type[_Word], params: Params, name: str, default: _Word | None = None) -> _Word:
    value = text(params, name)
    if not value and default is not None:
        return default
    try:
        return words(value)
    except ValueError:
        raise bad(f"{name} {value!r} should be one of {', '.join(words)}") from None


def decimal(params: Params, name: str) -> Decimal:
    """A positive number, sent as text."""
    value = text(params, name)
    if not value:
        raise bad(f"{name} is missing")
    if not _PLAIN_DECIMAL.fullmatch(value):
        raise bad(f"{name} {value!r} should be a positive decimal number such as 0.001")
    return Decimal(value)
