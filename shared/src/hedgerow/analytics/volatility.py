"""Volatility from a series of closing prices, by one of several estimators behind one interface.

For research: what a live policy gets is carried from mark to mark (`analytics.ewma`).

Each estimate is of the next bar's volatility, as the annualised standard deviation of log returns: 1.0 is 100 % in a
year of 365 days. Means are taken to be 0, as for returns within a day; see Figlewski, "Forecasting Volatility" (1997).
"""

from math import sqrt
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from hedgerow.analytics.ewma import YEAR_NS

FloatArray = NDArray[np.float64]
# A fit of GARCH's three parameters to fewer says nothing.
GARCH_LEAST_RETURNS = 100
# arch fits best to returns of about this size, in its own units.
_GARCH_UNIT = 1e3


class VolatilityEstimator(Protocol):
    """Says how volatile the next bar will be."""

    def annualised(self, closes: FloatArray, bar_ns: int) -> float:
        """
        Args:
            closes: shape (n,), positive and finite, oldest first, a bar apart; bar_ns: how long a bar is.

        Raises:
            ValueError: too few prices, or one that is none.
        """
        ...


class Realised(msgspec.Struct, frozen=True):
    """Close to close: the root mean square of all log returns, each counting the same."""

    def annualised(self, closes: FloatArray, bar_ns: int) -> float:
        return _annualised(float(np.mean(_squared_returns(closes, 1))), bar_ns)


class ExponentiallyWeighted(msgspec.Struct, frozen=True):
    """RiskMetrics (J.P. Morgan/Reuters, 1996): a squared return loses half its weight each half-life."""

    half_life_ns: int

    def annualised(self, closes: FloatArray, bar_ns: int) -> float:
        squares = _squared_returns(closes, 1)
        weights = 2.0 ** (-np.arange(len(squares) - 1, -1, -1) * (bar_ns / self.half_life_ns))
        return _annualised(float(np.average(squares, weights=weights)), bar_ns)


class Garch(msgspec.Struct, frozen=True):
    """GARCH(1,1) with normal errors (Bollerslev 1986), fitted by maximum likelihood with the library `arch`.

    It is an extra, for it brings pandas and statsmodels: `pip install hedgerow[garch]`.
    """

    def annualised(self, closes: FloatArray, bar_ns: int) -> float:
        """As `VolatilityEstimator`.

        Raises:
            ValueError: fewer than 100 returns, or a fit that did not converge.
            ModuleNotFoundError: without the extra.
        """
        from arch import arch_model

        _squared_returns(closes, GARCH_LEAST_RETURNS)
        returns = np.diff(np.log(closes)) * _GARCH_UNIT
        model = arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, rescale=False)
        fitted = model.fit(disp="off", show_warning=False)
        if fitted.convergence_flag != 0:
            raise ValueError(
                f"GARCH(1,1) did not converge on {len(returns)} returns: {fitted.optimization_result}"
            )
        forecast = fitted.forecast(horizon=1, reindex=False).variance.to_numpy()
        return _annualised(float(forecast[-1, 0]) / _GARCH_UNIT**2, bar_ns)


def _squared_returns(closes: FloatArray, least: int) -> FloatArray:
    if closes.ndim != 1 or len(closes) <= least:
        raise ValueError(f"closes have shape {closes.shape}; at least {least + 1} prices in a row are needed")
    wrong = np.flatnonzero(~(np.isfinite(closes) & (closes > 0)))
    if len(wrong):
        raise ValueError(f"closes[{wrong[0]}] is {closes[wrong[0]]}; a price is a positive, finite number")
    squares: FloatArray = np.diff(np.log(closes)) ** 2
    return squares


def _annualised(variance_of_a_bar: float, bar_ns: int) -> float:
    return sqrt(variance_of_a_bar * (YEAR_NS / bar_ns))
