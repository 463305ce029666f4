"""The examples as a reader applies them: a folder at a time."""

from pathlib import Path

import pytest

from hedgerow.cli.declared import compile_declared, read_declared

EXAMPLES = Path(__file__).resolve().parents[3] / "k8s" / "examples"
# Those of `styles` are one strategy, written in several ways.
FOLDERS = [EXAMPLES, EXAMPLES / "accounts", EXAMPLES / "policies", EXAMPLES / "live"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_of_examples_can_be_applied_at_once(folder: Path) -> None:
    read = read_declared(folder)
    compiled = compile_declared(read.declared, {}, [])
    assert read.all_problems == []
    assert compiled.problems == ()
    assert len(compiled.strategies) + len(compiled.declared_venues) == len(read.declared)
