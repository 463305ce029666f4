"""`scripts/install.sh --check` tells what is missing and what to do, and changes nothing."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "install.sh"


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT), "--check"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_old_java_is_missing_and_what_to_install_is_said(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    found = check(JAVA_HOME=str(tmp_path))
    assert found.returncode == 1
    lines = found.stdout.splitlines()
    position = next(number for number, line in enumerate(lines) if "JDK 17" in line)
    assert "missing" in lines[position]
    assert "install" in lines[position + 1]


def test_jars_that_are_not_in_the_cache_are_missing(tmp_path: Path) -> None:
    found = check(XDG_CACHE_HOME=str(tmp_path))
    assert found.returncode == 1
    assert "missing  Kafka" in found.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_option_is_refused() -> None:
    found = subprocess.run(["bash", str(SCRIPT), "--frob"], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "usage" in found.stderr
