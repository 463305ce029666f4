"""The one import site of the kernels: native where built, else their NumPy and Python twins.

`NATIVE` tells which of the two runs.
"""

from typing import TYPE_CHECKING

from hedgerow.kernels.curve import HedgeCurve
from hedgerow.kernels.greeks import DAYS_PER_YEAR, Greeks, ImpliedVolatility, OptionGreeks
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
from hedgerow.kernels.twin_l2 import TwinL2BookBuilder
from hedgerow.kernels.twin_l3 import TwinL3BookBuilder

_native = load_native()

NATIVE = _native is not None

if TYPE_CHECKING:
    OrderBook = TwinOrderBook
    L2BookBuilder = TwinL2BookBuilder
    L3BookBuilder = TwinL3BookBuilder
else:
    OrderBook = _native.OrderBook if NATIVE else TwinOrderBook
    L2BookBuilder = _native.L2BookBuilder if NATIVE else TwinL2BookBuilder
    L3BookBuilder = _native.L3BookBuilder if NATIVE else TwinL3BookBuilder

__all__ = [
    "DAYS_PER_YEAR",
    "NATIVE",
    "Greeks",
    "HedgeCurve",
    "ImpliedVolatility",
    "L2BookBuilder",
    "L3BookBuilder",
    "OptionGreeks",
    "OrderBook",
    "Status",
    "black76",
    "black76_scalar",
    "black_scholes",
    "black_scholes_scalar",
    "implied_volatility",
]
