"""How each synthetic market behaves: its underlying's prices, and each instrument's book around them.

Levels are those of 2024-08-08, the day of the recordings. Volatilities and depths are of the right order, not fitted.
"""

import msgspec

from hedgerow.analytics.jump_diffusion import JumpDiffusion

YEAR_S = 365 * 86_400.0
TRADING_YEAR_S = 252 * 6.5 * 3_600.0


class Underlying(msgspec.Struct, frozen=True, kw_only=True):
    """One underlying.

    Attributes:
        start: its price when a lap begins.
        year_s: seconds of trading in the year that `process` is per.
        has_session: it trades in session hours only.
        beta: how much of a scenario's move it makes, in logs.
    """

    start: float
    process: JumpDiffusion
    year_s: float
    has_session: bool
    beta: float


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's book.

    Attributes:
        spread_bps: between bid and ask, at least one tick.
        gap_bps: between two levels, at least one tick.
        level_usd: mean value of the best level.
        basis_bps: how far its mid lies above the underlying's, on average.
    """

    spread_bps: float
    gap_bps: float
    level_usd: float
    basis_bps: float = 0.0


_CRYPTO_JUMPS_PER_YEAR = 365 * 24 * 2.0
_STOCK_JUMPS_PER_YEAR = 252 * 6.0

UNDERLYINGS: dict[str, Underlying] = {
    "BTC": Underlying(
        start=61_800.0,
        process=JumpDiffusion(
            volatility=0.6, jumps_per_year=_CRYPTO_JUMPS_PER_YEAR, jump_mean=0.0, jump_sd=0.002
        ),
        year_s=YEAR_S,
        has_session=False,
        beta=1.0,
    ),
    "ETH": Underlying(
        start=2_680.0,
        process=JumpDiffusion(
            volatility=0.75, jumps_per_year=_CRYPTO_JUMPS_PER_YEAR, jump_mean=0.0, jump_sd=0.0025
        ),
        year_s=YEAR_S,
        has_session=False,
        beta=1.15,
    ),
    "NVDA": Underlying(
        start=105.0,
        process=JumpDiffusion(
            volatility=0.5, jumps_per_year=_STOCK_JUMPS_PER_YEAR, jump_mean=0.0, jump_sd=0.004
        ),
        year_s=TRADING_YEAR_S,
        has_session=True,
        beta=0.6,
    ),
    "SPX": Underlying(
        start=5_320.0,
        process=JumpDiffusion(
            volatility=0.16, jumps_per_year=_STOCK_JUMPS_PER_YEAR, jump_mean=0.0, jump_sd=0.001
        ),
        year_s=TRADING_YEAR_S,
        has_session=True,
        beta=0.3,
    ),
}

BOOKS: dict[str, Book] = {
    "BTC/USDT": Book(spread_bps=0.1, gap_bps=0.5, level_usd=30_000.0),
    "BTC/USDT:USDT": Book(spread_bps=0.1, gap_bps=0.5, level_usd=100_000.0, basis_bps=1.0),
    "ETH/USDT": Book(spread_bps=0.1, gap_bps=0.5, level_usd=20_000.0),
    "ETH/USDT:USDT": Book(spread_bps=0.1, gap_bps=0.5, level_usd=60_000.0, basis_bps=1.0),
    "NVDA/USD": Book(spread_bps=1.0, gap_bps=1.0, level_usd=40_000.0),
    # Nobody quotes the index: an indicative spread, at which the desk deals with its clients.
    "SPX": Book(spread_bps=1.0, gap_bps=1.0, level_usd=100_000.0),
    "SPX/USD:USD-301220": Book(spread_bps=0.5, gap_bps=0.5, level_usd=250_000.0, basis_bps=2.0),
}
