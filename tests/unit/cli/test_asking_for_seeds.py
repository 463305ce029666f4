"""Which seeds `hedgerow simulate` is asked for."""

import pytest

from hedgerow.cli.exits import UsageError
from hedgerow.cli.simulate import seeds_of


def test_one_seed_or_a_range_with_both_its_ends() -> None:
    assert list(seeds_of(7, None)) == [7]
    assert list(seeds_of(None, "3..5")) == [3, 4, 5]
    assert list(seeds_of(None, "3..3")) == [3]


@pytest.mark.parametrize(
    ("seed", "seeds"),
    [(None, None), (1, "1..2"), (None, "5..3"), (None, "5"), (None, "-1..3"), (None, "a..b")],
)
def test_anything_else_is_told_what_it_should_be(seed: int | None, seeds: str | None) -> None:
    with pytest.raises(UsageError, match=r"--seeds"):
        seeds_of(seed, seeds)
