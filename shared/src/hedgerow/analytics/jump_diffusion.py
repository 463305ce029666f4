"""Prices that diffuse and jump.

Merton's jump diffusion without drift (a martingale):

    dS/S = -lambda k dt + sigma dW + (e^J - 1) dN,    J ~ N(m, d^2),    k = e^(m + d^2/2) - 1

with N a Poisson process of rate lambda. Over a step h, exactly:

    ln S(t+h) - ln S(t) = (-sigma^2/2 - lambda k) h + sigma sqrt(h) Z + J_1 + ... + J_N(h)

R. C. Merton, "Option pricing when underlying stock returns are discontinuous", Journal of Financial Economics 3 (1976).
"""

import msgspec
import numpy as np
from numpy.typing import NDArray


class JumpDiffusion(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of the process; a year is what the caller's steps are fractions of.

    Attributes:
        volatility: sigma, per square root of a year.
        jumps_per_year: lambda.
        jump_mean, jump_sd: m and d, of the log jump.
    """

    volatility: float
    jumps_per_year: float
    jump_mean: float
    jump_sd: float


def log_returns(
    process: JumpDiffusion, steps: int, step_years: float, random: np.random.Generator
) -> NDArray[np.float64]:
    """The log returns of `steps` steps of `step_years` each, shape (steps,)."""
    mean_jump = np.expm1(process.jump_mean + process.jump_sd**2 / 2)
    drift = (-(process.volatility**2) / 2 - process.jumps_per_year * mean_jump) * step_years
    diffusion = process.volatility * np.sqrt(step_years) * random.standard_normal(steps)
    count = random.poisson(process.jumps_per_year * step_years, steps)
    # A sum of n normal jumps is normal.
    jumps = process.jump_mean * count + process.jump_sd * np.sqrt(count) * random.standard_normal(steps)
    return np.asarray(drift + diffusion + jumps, dtype=np.float64)
