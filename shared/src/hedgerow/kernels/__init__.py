"""The one import site of the kernels: native where built, else their NumPy and Python twins.

`NATIVE` tells which of the two runs.
"""

from typing import TYPE_CHECKING

from hedgerow.kernels.curve import HedgeCurve
from hedgerow.kernels.greeks import Greeks, ImpliedVolatility, OptionGreeks
from hedgerow.kernels.native import load_native
from hedgerow.kernels.pricing import (
    black76,
    black76_scalar,
    black_scholes,
    black_scholes_scalar,
    implied_volatility,
)
from hedgerow.kernels.statuses import Status
from hedgerow.kernels.twin_book import TwinOrderBook

_native = load_native()

NATIVE = _native is not None

if TYPE_CHECKING:
    OrderBook = TwinOrderBook
else:
    OrderBook = _native.OrderBook if NATIVE else TwinOrderBook

__all__ = [
    "NATIVE",
    "Greeks",
    "HedgeCurve",
    "ImpliedVolatility",
    "OptionGreeks",
    "OrderBook",
    "Status",
    "black76",
    "black76_scalar",
    "black_scholes",
    "black_scholes_scalar",
    "implied_volatility",
]
