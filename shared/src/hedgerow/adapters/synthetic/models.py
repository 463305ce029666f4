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


def _coin(start: float, beta: float, volatility: float, jump_sd: float) -> Underlying:
    """Trades at all hours, and jumps twice an hour."""
    process = JumpDiffusion(
        volatility=volatility, jumps_per_year=365 * 24 * 2.0, jump_mean=0.0, jump_sd=jump_sd
    )
    return Underlying(start=start, process=process, year_s=YEAR_S, has_session=False, beta=beta)


def _stock(start: float, beta: float, volatility: float, jump_sd: float) -> Underlying:
    """Trades in session hours, and jumps six times a session."""
    process = JumpDiffusion(volatility=volatility, jumps_per_year=252 * 6.0, jump_mean=0.0, jump_sd=jump_sd)
    return Underlying(start=start, process=process, year_s=TRADING_YEAR_S, has_session=True, beta=beta)


UNDERLYINGS: dict[str, Underlying] = {
    "BTC": _coin(start=61_800.0, beta=1.0, volatility=0.6, jump_sd=0.002),
    "ETH": _coin(start=2_680.0, beta=1.15, volatility=0.75, jump_sd=0.0025),
    "NVDA": _stock(start=105.0, beta=0.6, volatility=0.5, jump_sd=0.004),
    "SPX": _stock(start=5_320.0, beta=0.3, volatility=0.16, jump_sd=0.001),
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
