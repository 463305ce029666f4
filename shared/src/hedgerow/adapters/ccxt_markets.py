"""What ccxt says of a venue's market, for the comparison with our own listing of it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import exact_decimal
from hedgerow.execution.venue_checks import MarketRules, market_problems


def problems_by_instrument(
    listings: Iterable[Instrument], markets: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """In words, of each tradable listing whose market at the venue is another than we believe.

    Args:
        markets: ccxt's, by unified symbol.
    """
    found = {
        item.symbol: market_problems(item, _rules(markets[item.symbol]) if item.symbol in markets else None)
        for item in listings
        if item.is_tradable
    }
    return {symbol: "; ".join(problems) for symbol, problems in found.items() if problems}


def _rules(market: Mapping[str, Any]) -> MarketRules:
    precision, limits = market["precision"], market["limits"]
    return MarketRules(
        active=bool(market["active"]),
        contract_size=_decimal(market["contractSize"]) or Decimal(1),
        tick_size=_decimal(precision["price"]),
        lot_size=_decimal(precision["amount"]),
        min_quantity=_decimal(limits["amount"]["min"]),
        min_notional=_decimal(limits["cost"]["min"]),
    )


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else exact_decimal(float(value))
