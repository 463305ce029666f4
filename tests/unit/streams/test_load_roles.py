"""Roles are found through the entry point group, and only there."""

import pytest

from hedgerow.streams.worker import UnknownRole, load_roles


def test_an_unknown_role_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownRole, match=r"unknown role rusk; there are .*risk.*router"):
        load_roles(["risk", "rusk"])


def test_a_role_is_named_once() -> None:
    with pytest.raises(UnknownRole, match="named twice"):
        load_roles(["risk", "risk"])


def test_no_role_is_no_worker() -> None:
    with pytest.raises(UnknownRole, match="unknown role"):
        load_roles([])
