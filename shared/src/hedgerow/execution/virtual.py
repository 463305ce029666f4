"""When an order that is not sent would trade: what Shadow and a backtest fill by. Pure."""

from decimal import Decimal

from hedgerow.domain.orders import Side
from hedgerow.execution.intents import Ticker


def touch_of(side: Side, ticker: Ticker) -> Decimal:
    """What an order of this side would take."""
    return ticker.ask if side is Side.BUY else ticker.bid


def reaches(side: Side, limit_price: Decimal, ticker: Ticker) -> bool:
    """Whether an order with this limit would trade at the touch."""
    return (limit_price - touch_of(side, ticker)) * side.sign >= 0
