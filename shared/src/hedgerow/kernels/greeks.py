"""Prices and Greeks as the kernels return them, and the units in which desks quote them."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

DAYS_PER_YEAR = 365.0
POINTS_PER_VOL = 100.0

FIRST_ORDER = ("price", "delta", "gamma", "vega", "theta", "rho")
SECOND_ORDER = (*FIRST_ORDER, "vanna", "charm", "vomma")

Floats = NDArray[np.float64]


class Greeks:
    """Prices and Greeks of a batch; every attribute is a view of one row of `values`.

    Attributes:
        values: one row per value, in the order of `SECOND_ORDER`; pass this object as `out` to reuse it.
        status: one `Status` per option, or None where the batch was strict.
        price: per unit of the underlying, in the currency of the strike.
        delta: per 1.00 of spot (black76: of the forward).
        gamma: change of delta per 1.00 of spot.
        vega: per 1.00 of vol, that is per 100 vol points.
        theta: per year of calendar time passing, so mostly negative.
        rho: per 1.00 of rate.
        vanna: change of delta per 1.00 of vol.
        charm: change of delta per year of calendar time passing.
        vomma: change of vega per 1.00 of vol.
    """

    __slots__ = ("status", "values")

    def __init__(self, values: Floats, status: NDArray[np.uint8] | None = None) -> None:
        self.values = values
        self.status = status

    @property
    def price(self) -> Floats:
        return self._row(0)

    @property
    def delta(self) -> Floats:
        return self._row(1)

    @property
    def gamma(self) -> Floats:
        return self._row(2)

    @property
    def vega(self) -> Floats:
        return self._row(3)

    @property
    def theta(self) -> Floats:
        return self._row(4)

    @property
    def rho(self) -> Floats:
        return self._row(5)

    @property
    def vanna(self) -> Floats:
        return self._second_order(6)

    @property
    def charm(self) -> Floats:
        return self._second_order(7)

    @property
    def vomma(self) -> Floats:
        return self._second_order(8)

    @property
    def vega_per_point(self) -> Floats:
        """Vega per vol point (0.01 of vol)."""
        return self.vega / POINTS_PER_VOL

    @property
    def theta_per_day(self) -> Floats:
        """Theta per calendar day, a year having 365."""
        return self.theta / DAYS_PER_YEAR

    @property
    def rho_per_point(self) -> Floats:
        """Rho per 1 % of rate."""
        return self.rho / POINTS_PER_VOL

    def _row(self, row: int) -> Floats:
        view: Any = self.values[row]
        return view  # type: ignore[no-any-return]

    def _second_order(self, row: int) -> Floats:
        if len(self.values) <= row:
            raise AttributeError(f"{SECOND_ORDER[row]} was not asked for; pass second_order=True")
        return self._row(row)


class OptionGreeks(Protocol):
    """Price and Greeks of one option, in the units of `Greeks`."""

    @property
    def price(self) -> float: ...
    @property
    def delta(self) -> float: ...
    @property
    def gamma(self) -> float: ...
    @property
    def vega(self) -> float: ...
    @property
    def theta(self) -> float: ...
    @property
    def rho(self) -> float: ...


class ImpliedVolatility(NamedTuple):
    """`vol` per 1.00 and per year; NaN wherever `status` is not `Status.OK`."""

    vol: Floats
    status: NDArray[np.uint8]
