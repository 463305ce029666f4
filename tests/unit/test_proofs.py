"""A guide that names a test as its proof names one that there is."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_a_guide_names_is_there() -> None:
    sources = list((ROOT / "tests").rglob("test_*.py"))
    there = {path.name for path in sources}
    for path in sources:
        there |= set(re.findall(r"def (test_\w+)", path.read_text()))
    named = {
        (page.name, name)
        for page in (ROOT / "docs").rglob("*.md")
        for name in re.findall(r"\btest_\w+(?:\.py)?", page.read_text())
    }
    assert ("proofs.md", "test_r5_a_score_of_100_is_acted_on_at_any_cost") in named
    assert [(page, name) for page, name in sorted(named) if name not in there] == []
