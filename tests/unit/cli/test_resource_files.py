"""Files of resources: every problem with file, line, path and what would be right; the good ones are kept."""

from pathlib import Path

import pytest

from hedgerow.cli.resource_files import read_resources
from hedgerow.domain.instruments import LISTINGS
from hedgerow.strategy.compile import compile_strategy, compile_venue
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue, Mode
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue

EXAMPLES = Path(__file__).parents[3] / "k8s" / "examples"


def test_the_examples_are_right_and_compile() -> None:
    read = read_resources(EXAMPLES)
    assert read.all_problems == []
    venues = {}
    for item in read.declared:
        if isinstance(item.resource, Venue):
            venue = compile_venue(item.resource, venues, [])
            assert isinstance(venue, CompiledVenue)
            venues[venue.key] = venue
    strategies = [item.resource for item in read.declared if isinstance(item.resource, HedgeStrategy)]
    compiled = [compile_strategy(resource, venues, LISTINGS) for resource in strategies]
    assert all(isinstance(config, CompiledStrategy) for config in compiled), compiled
    assert {config.key: config.mode for config in compiled if isinstance(config, CompiledStrategy)} == {
        f"default/{name}-band": Mode.PAPER for name in ("btc", "eth", "nvda", "spx")
    }


def test_a_wrong_field_is_named_with_its_line_and_the_rest_of_the_folder_is_kept(tmp_path: Path) -> None:
    good = (EXAMPLES / "paper-venue.yaml").read_text()
    strategy = (EXAMPLES / "btc-band.yaml").read_text()
    bad = strategy.replace('lower: "-25000"', "lower: -25000").replace("mode: Paper", "mode: Dry")
    (tmp_path / "a.yaml").write_text(good + "---\n" + bad)
    (tmp_path / "b.txt").write_text("not: [read")
    read = read_resources(tmp_path)
    assert [item.name for item in read.declared] == ["Venue default/paper"]
    lines = (tmp_path / "a.yaml").read_text().splitlines()
    mode, lower = (
        next(n for n, line in enumerate(lines, 1) if text in line) for text in ("mode: Dry", "lower:")
    )
    assert read.all_problems == [
        f'{tmp_path}/a.yaml:{mode}: spec.mode: "Dry" is not available in this version; available: "Shadow", "Paper", '
        '"Live"',
        f"{tmp_path}/a.yaml:{lower}: spec.policy.band[0].lower: -25000 is a YAML number; money and ratios are decimal "
        'strings, so quote it: "-25000"',
    ]


def test_a_missing_field_is_named_with_the_line_of_its_block(tmp_path: Path) -> None:
    text = (EXAMPLES / "btc-band.yaml").read_text().replace("    quote: 3s\n", "")
    (tmp_path / "a.yaml").write_text(text)
    line = text.splitlines().index("  freshness:") + 1
    assert read_resources(tmp_path / "a.yaml").all_problems == [
        f"{tmp_path}/a.yaml:{line}: spec.freshness.quote: is missing; give it: Oldest usable quote, e.g. 3s. "
        "Units are ms, s, m and h."
    ]


def test_a_resource_that_is_declared_twice_is_used_neither_way(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text((EXAMPLES / "paper-venue.yaml").read_text())
    read = read_resources(tmp_path)
    assert read.declared == ()
    assert read.all_problems == [
        f"{tmp_path}/b.yml:5: Venue default/paper is declared 2 times: {tmp_path}/a.yaml:5, {tmp_path}/b.yml:5; "
        "keep one of them"
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: 1\nb: \xff\n", ":2:4: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"#" * 1_000_001, ": 1000001 bytes are too many; split it into files of at most 1000000 bytes"),
        (
            b"just text\n",
            ':1: resource: a document that holds only "just text" is no resource; '
            "write apiVersion, kind, metadata, spec",
        ),
    ],
)
def test_a_file_that_holds_no_resources_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(data)
    assert read_resources(file).all_problems == [f"{file}{said}"]
