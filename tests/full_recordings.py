"""The full recordings, which are too large for the repository: in `../shared/data` beside the checkout where there is
such a folder, or where `HEDGEROW_SHARED_DATA` says. The bundled slice in `recordings/` is always there."""

import os
from pathlib import Path

import pytest

VARIABLE = "HEDGEROW_SHARED_DATA"
BESIDE = Path(__file__).parents[2] / "shared" / "data"


def full_recordings(part: str, variable: str = "") -> Path:
    """The folder of one part (`crypto_books`, `options` …); skips the test where there are none.

    Args:
        variable: one that may name this part's folder by itself.

    Raises:
        FileNotFoundError: a variable names a folder that is not there.
    """
    for name, folder in ((variable, Path()), (VARIABLE, Path(part))):
        if name in os.environ:
            return _present(name, Path(os.environ[name]) / folder)
    if not (BESIDE / part).is_dir():
        pytest.skip(f"no full recordings: {BESIDE / part} is not there, and {VARIABLE} names no other folder")
    return BESIDE / part


def _present(name: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is not there; {name} should name the folder of the full recordings"
        )
    return folder
