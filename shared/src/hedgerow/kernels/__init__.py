"""The one import site of the kernels: native where built, else their NumPy and Python twins.

`NATIVE` tells which of the two runs.
"""

from hedgerow.kernels.native import load_native

_native = load_native()

NATIVE = _native is not None

__all__ = ["NATIVE"]
