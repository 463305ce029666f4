"""Rules of the house that no other tool holds."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listing.stdout.splitlines()


def test_the_operator_folder_is_no_package_that_shadows_the_standard_library() -> None:
    # With an `operator/__init__.py`, Python started from the checkout dies on `import collections`.
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_only_the_hashed_lock_is_tracked() -> None:
    files = tracked_files()
    assert "requirements.lock" in files
    assert "uv.lock" not in files


def test_nothing_that_a_run_makes_is_tracked() -> None:
    assert [name for name in tracked_files() if name.startswith((".run/", ".venv/"))] == []
