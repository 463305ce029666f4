"""Deribit's published Greeks, reproduced from its published volatilities.

Deribit's conventions: Black-76 on the forward of the expiry with rate 0; years of 365 days to 08:00 UTC; delta
of the forward, not adjusted for the premium; gamma per USD, vega per vol point, rho per 1 % with the forward
moving; theta per day, at most one day of it, and never more than the option is worth.

`HEDGEROW_OPTION_RECORDINGS` may name the folder of option recordings.
"""

from typing import Any

import numpy as np
import polars as pl
import pytest
from full_recordings import full_recordings

from hedgerow.kernels import DAYS_PER_YEAR, black_scholes

VARIABLE = "HEDGEROW_OPTION_RECORDINGS"
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def chain() -> pl.DataFrame:
    path = full_recordings("options", VARIABLE) / "deribit_btc_chain_20200521.parquet"
    return pl.read_parquet(path).filter(pl.col("mark_iv_pct") > 0)


@pytest.fixture(scope="module")
def ours(chain: pl.DataFrame) -> dict[str, Any]:
    forward, strike = chain["underlying_price"].to_numpy(), chain["strike"].to_numpy()
    days = ((chain["expiry_ts"] - chain["snapshot_ts"]).dt.total_microseconds() / DAY_US).to_numpy()
    is_call = (chain["cp"] == "call").to_numpy()
    vol = chain["mark_iv_pct"].to_numpy() / 100
    # Carry 0 and rate 0: Black-76 whose rho lets the forward move with the rate.
    greeks = black_scholes(forward.copy(), strike.copy(), days / DAYS_PER_YEAR, 0.0, 0.0, vol, is_call)
    worth = greeks.price
    return {
        "mark_price_btc": worth / forward,
        "delta": greeks.delta,
        "gamma": greeks.gamma,
        "vega": greeks.vega_per_point,
        "theta": -np.minimum(-greeks.theta_per_day * np.minimum(days, 1), worth),
        "rho": greeks.rho_per_point,
    }


# The published volatility has two decimals of a point and the Greeks have five decimals; the mark is also smoothed,
# so that it trails the volatility by some ticks.
TOLERANCES = {
    "mark_price_btc": 2.5e-4,
    "delta": 2e-4,
    "gamma": 5.1e-6,
    "vega": 2e-3,
    "theta": 5e-2,
    "rho": 1e-3,
}


@pytest.mark.parametrize("name", TOLERANCES)
def test_published_values_are_reproduced(name: str, chain: pl.DataFrame, ours: dict[str, Any]) -> None:
    published = chain[name].to_numpy()
    off = np.abs(ours[name] - published) > TOLERANCES[name]
    assert len(published) > 300
    assert not off.any(), (
        chain.filter(off).select("instrument", name).with_columns(ours=pl.Series(ours[name][off]))
    )
