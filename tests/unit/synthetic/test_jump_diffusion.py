"""The process has the moments that its formula says, and is the seed's alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.analytics.jump_diffusion import JumpDiffusion, log_returns

STEP = 1 / (365 * 86_400)
STEPS = 400_000
PROCESS = JumpDiffusion(volatility=0.6, jumps_per_year=0.01 / STEP, jump_mean=-0.001, jump_sd=0.002)


def returns(process: JumpDiffusion, seed: int, steps: int = STEPS) -> np.ndarray:
    return log_returns(process, steps, STEP, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mean_and_variance_are_mertons(seed: int) -> None:
    """E[r] = (-s^2/2 - lk)h + lhm and Var[r] = s^2 h + lh(m^2 + d^2), within 5 standard errors of the sample's."""
    rate = PROCESS.jumps_per_year * STEP
    k = np.exp(PROCESS.jump_mean + PROCESS.jump_sd**2 / 2) - 1
    mean = -(PROCESS.volatility**2) / 2 * STEP - rate * k + rate * PROCESS.jump_mean
    variance = PROCESS.volatility**2 * STEP + rate * (PROCESS.jump_mean**2 + PROCESS.jump_sd**2)
    sample = returns(PROCESS, seed)
    fourth = np.mean((sample - sample.mean()) ** 4)
    assert abs(sample.mean() - mean) < 5 * np.sqrt(variance / STEPS)
    assert abs(sample.var() - variance) < 5 * np.sqrt((fourth - variance**2) / STEPS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_jumps_come_at_their_rate_and_size(seed: int) -> None:
    """What lies beyond 8 sigma of the diffusion is a jump: their share and spread are what was asked for."""
    sigma = PROCESS.volatility * np.sqrt(STEP)
    process = JumpDiffusion(volatility=0.6, jumps_per_year=0.01 / STEP, jump_mean=0.05, jump_sd=0.005)
    sample = returns(process, seed)
    jumps = sample[np.abs(sample - np.median(sample)) > 8 * sigma]
    assert len(jumps) / STEPS == pytest.approx(1 - np.exp(-0.01), rel=0.08)
    single = jumps[jumps < 0.075]
    assert single.mean() == pytest.approx(0.05, abs=0.001)
    assert single.std() == pytest.approx(0.005, rel=0.1)


def test_prices_are_a_martingale_and_tails_are_fatter_than_normal() -> None:
    process = JumpDiffusion(volatility=0.6, jumps_per_year=0.01 / STEP, jump_mean=0.004, jump_sd=0.002)
    sample = returns(process, 5)
    growth = np.exp(sample)
    assert abs(growth.mean() - 1) < 5 * growth.std() / np.sqrt(STEPS)
    assert np.mean((sample - sample.mean()) ** 4) / sample.var() ** 2 > 10


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_the_same_seed_gives_the_same_path(seed: int) -> None:
    assert np.array_equal(returns(PROCESS, seed, 50), returns(PROCESS, seed, 50))
    assert not np.array_equal(returns(PROCESS, seed, 50), returns(PROCESS, seed + 1, 50))


def test_without_jumps_it_is_geometric_brownian_motion() -> None:
    sample = returns(JumpDiffusion(volatility=0.6, jumps_per_year=0.0, jump_mean=0.0, jump_sd=0.0), 1)
    assert np.mean((sample - sample.mean()) ** 4) / sample.var() ** 2 == pytest.approx(3.0, abs=0.05)
