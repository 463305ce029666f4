"""Every implementation of the pricing kernels that this machine can run: the twin, and native per instruction set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hedgerow.kernels import twin_pricing
from hedgerow.kernels.native import load_native

NATIVE: Any = load_native()
INSTRUCTION_SETS: list[str] = NATIVE.instruction_sets() if NATIVE else []

needs_native = pytest.mark.skipif(
    NATIVE is None, reason="the native kernels are not built: scripts/install.sh"
)


class Engine:
    """The functions of `hedgerow.kernels.pricing` on one implementation."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_twin = name == "twin"

    @contextmanager
    def _module(self) -> Iterator[Any]:
        if self.is_twin:
            yield twin_pricing
            return
        NATIVE.use_instruction_set(self.name)
        try:
            yield NATIVE
        finally:
            NATIVE.use_instruction_set(INSTRUCTION_SETS[-1])

    def black_scholes(
        self,
        *inputs: Any,
        second_order: bool = False,
        strict: bool = True,
        out: Any = None,
        with_status: bool = False,
    ) -> Any:
        with self._module() as module:
            values, status = module.black_scholes(*inputs, second_order, strict, out)
        return (values, status) if with_status else values

    def black76(self, *inputs: Any, second_order: bool = False, strict: bool = True, out: Any = None) -> Any:
        with self._module() as module:
            return module.black76(*inputs, second_order, strict, out)[0]

    def implied_volatility(
        self, *inputs: Any, guess: Any = None, strict: bool = True, out: Any = None
    ) -> tuple[Any, Any]:
        with self._module() as module:
            vol, status = module.implied_volatility(*inputs, guess, strict, out)
            return vol, status

    def scalar(self, name: str) -> Callable[..., Any]:
        module: ModuleType = twin_pricing if self.is_twin else NATIVE
        function: Callable[..., Any] = getattr(module, name)
        return function

    def __repr__(self) -> str:
        return self.name


ENGINES = [Engine("twin"), *(Engine(name) for name in INSTRUCTION_SETS)]
every_engine = pytest.mark.parametrize("engine", ENGINES, ids=repr)


def random_options(count: int, seed: int) -> list[Any]:
    """spot, strike, time, rate, carry, vol, is_call: from half a minute to five years, deep in and deep out."""
    draw = np.random.default_rng(seed)
    time = np.exp(draw.uniform(np.log(1e-6), np.log(5), count))
    vol = np.exp(draw.uniform(np.log(0.01), np.log(3), count))
    spot = np.exp(draw.uniform(np.log(0.5), np.log(100_000), count))
    distance = np.clip(draw.uniform(-6, 6, count) * vol * np.sqrt(time), -3, 3)
    rate, carry = draw.uniform(-0.05, 0.25, count), draw.uniform(-0.1, 0.25, count)
    return [spot, spot * np.exp(distance), time, rate, carry, vol, draw.integers(0, 2, count) == 1]
