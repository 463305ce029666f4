"""Which implementation is used, and how loudly its absence is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pricing_engines import INSTRUCTION_SETS, NATIVE, needs_native

from hedgerow import kernels

CRATE = Path(__file__).parents[3] / "shared" / "kernels"
# A module of the same name in front of the built one, as a broken build would leave it.
BROKEN = "raise ImportError('no such extension')\n"


def run(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def without_native(tmp_path: Path) -> Path:
    (tmp_path / "hedgerow_kernels.py").write_text(BROKEN)
    return tmp_path


def test_without_the_native_module_the_twin_runs_and_says_so_once(without_native: Path) -> None:
    program = (
        "from hedgerow import kernels; import hedgerow.kernels.pricing; "
        "print(kernels.NATIVE, kernels.black_scholes_scalar(100.0, 100.0, 1.0, 0.0, 0.0, 0.2, True).price)"
    )
    ended = run(program, without_native, HEDGEROW_REQUIRE_NATIVE="0")
    assert ended.returncode == 0, ended.stderr
    native, price = ended.stdout.split()
    assert native == "False"
    assert float(price) == pytest.approx(7.965567455405804)
    assert ended.stderr.count("the slower NumPy twins run") == 1


def test_required_and_missing_it_fails_and_says_how_to_build(without_native: Path) -> None:
    ended = run("import hedgerow.kernels", without_native, HEDGEROW_REQUIRE_NATIVE="1")
    assert ended.returncode != 0
    assert "HEDGEROW_REQUIRE_NATIVE=1, but the native kernels do not load" in ended.stderr
    assert "scripts/install.sh builds it" in ended.stderr


def test_a_requirement_that_is_neither_yes_nor_no_is_refused(tmp_path: Path) -> None:
    ended = run("import hedgerow.kernels", tmp_path, HEDGEROW_REQUIRE_NATIVE="yes")
    assert ended.returncode != 0
    assert "HEDGEROW_REQUIRE_NATIVE is 'yes'; set it to 1 (native or nothing) or 0" in ended.stderr


@needs_native
def test_required_and_built_it_is_native(tmp_path: Path) -> None:
    ended = run("from hedgerow import kernels; print(kernels.NATIVE)", tmp_path, HEDGEROW_REQUIRE_NATIVE="1")
    assert ended.stdout.strip() == "True", ended.stderr
    assert ended.stderr == ""
    assert kernels.NATIVE


@needs_native
def test_an_instruction_set_that_is_not_there_is_refused() -> None:
    assert INSTRUCTION_SETS[0] == "portable"
    with pytest.raises(ValueError, match=r'no instruction set "mmx" here; this processor has portable'):
        NATIVE.use_instruction_set("mmx")


def test_the_committed_coefficients_are_what_their_program_derives() -> None:
    derived = subprocess.run(
        [sys.executable, str(CRATE / "coefficients.py")],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert derived.stdout == (CRATE / "src" / "coefficients.rs").read_text()
