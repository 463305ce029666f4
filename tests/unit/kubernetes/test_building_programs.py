"""Where kube-apiserver, etcd and kubectl come from: built and kept, or a folder that was given."""

import os
import subprocess
from pathlib import Path

BUILD = Path(__file__).resolve().parents[3] / "scripts/kubernetes/build.sh"


def build(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "KUBEBUILDER_ASSETS"}
    return subprocess.run(
        [BUILD, *arguments], env={**clean, **environment}, capture_output=True, text=True, check=False
    )


def test_programs_are_kept_in_the_cache_under_their_version(tmp_path: Path) -> None:
    folder = build("--folder", XDG_CACHE_HOME=str(tmp_path)).stdout.strip()
    assert Path(folder).parent == tmp_path / "hedgerow"
    assert Path(folder).name.startswith("kubernetes-v1.")
    assert build("--check", XDG_CACHE_HOME=str(tmp_path)).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_given_folder_is_used_and_nothing_is_built(tmp_path: Path) -> None:
    for name in ("kube-apiserver", "etcd", "kubectl"):
        (tmp_path / name).touch(mode=0o755)
    before = sorted(tmp_path.iterdir())
    assert build("--folder", KUBEBUILDER_ASSETS=str(tmp_path)).stdout.strip() == str(tmp_path)
    assert build(KUBEBUILDER_ASSETS=str(tmp_path)).returncode == 0
    assert sorted(tmp_path.iterdir()) == before


def test_a_given_folder_that_lacks_a_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "etcd").touch(mode=0o755)
    result = build(KUBEBUILDER_ASSETS=str(tmp_path))
    assert result.returncode == 1
    assert f"KUBEBUILDER_ASSETS={tmp_path} lacks programs of: kubernetes" in result.stderr
    assert "unset it to have them built" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["etcd"]


def test_half_of_what_is_needed_is_not_taken_for_a_build(tmp_path: Path) -> None:
    folder = Path(build("--folder", XDG_CACHE_HOME=str(tmp_path)).stdout.strip())
    folder.mkdir(parents=True)
    for name in ("kube-apiserver", "etcd", "kubectl", "helm"):
        (folder / name).touch(mode=0o755)
    assert build("--check", XDG_CACHE_HOME=str(tmp_path)).returncode == 1
