"""Which implementation runs: the native one when it is built, else the twin, and the twin says so once."""

import importlib
import logging
import os
from functools import cache
from types import ModuleType

REQUIRE_NATIVE = "HEDGEROW_REQUIRE_NATIVE"
_HOW_TO_BUILD = "scripts/install.sh builds it where a Rust toolchain (cargo 1.87 or newer) is present"

_log = logging.getLogger("hedgerow.kernels")


@cache
def load_native() -> ModuleType | None:
    """The native module, or None when the twin has to do.

    Raises:
        ImportError: `HEDGEROW_REQUIRE_NATIVE=1` and the native module is missing or does not load.
        ValueError: `HEDGEROW_REQUIRE_NATIVE` is neither 0 nor 1.
    """
    required = os.environ.get(REQUIRE_NATIVE, "0")
    if required not in ("0", "1"):
        raise ValueError(f"{REQUIRE_NATIVE} is {required!r}; set it to 1 (native or nothing) or 0")
    try:
        return importlib.import_module("hedgerow_kernels")
    except ImportError as cause:
        if required == "1":
            raise ImportError(
                f"{REQUIRE_NATIVE}=1, but the native kernels do not load ({cause}); {_HOW_TO_BUILD}"
            ) from cause
        _log.warning("native kernels do not load (%s); the slower NumPy twins run; %s", cause, _HOW_TO_BUILD)
        return None
