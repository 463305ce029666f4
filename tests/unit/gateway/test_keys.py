from pathlib import Path

import pytest

from hedgerow_gateway.keys import Caller, KeysError, Role, authenticate, read_keys
from hedgerow_gateway.problems import Problem

KEY = "0123456789abcdef"


def write(folder: Path, name: str, key: str | None = KEY, role: str | None = "trader") -> None:
    home = folder / name
    home.mkdir()
    for file, text in (("key", key), ("role", role)):
        if text is not None:
            (home / file).write_text(text)


def test_a_key_is_known_by_its_folder_and_role(tmp_path: Path) -> None:
    write(tmp_path, "alice", f"{KEY}\n", "trader\n")
    write(tmp_path, "vera", KEY[::-1], "viewer")
    (tmp_path / "..data").mkdir()
    keys = read_keys(tmp_path)
    assert authenticate(keys, f"Bearer {KEY}") == Caller(name="alice", role=Role.TRADER)
    assert authenticate(keys, f"bearer {KEY[::-1]}") == Caller(name="vera", role=Role.VIEWER)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        KEY,
        f"Basic {KEY}",
        f"Bearer {KEY}0",
        f"Bearer {KEY[:-1]}",
        "Bearer ÿ\ud800",
    ],
)
def test_anybody_else_is_nobody(tmp_path: Path, header: str | None) -> None:
    write(tmp_path, "alice")
    with pytest.raises(Problem) as refused:
        authenticate(read_keys(tmp_path), header)
    assert (refused.value.status_code, refused.value.code) == (401, "unauthenticated")
    assert KEY not in refused.value.detail


@pytest.mark.parametrize(
    ("key", "role", "words"),
    [
        (None, "trader", "key cannot be read"),
        (KEY, None, "role cannot be read"),
        ("", "trader", "key is empty"),
        ("short", "trader", "at least 16 ASCII characters"),
        ("ä" * 20, "trader", "at least 16 ASCII characters"),
        (KEY, "root", "roles are trader, risk, viewer"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_with_its_path(
    tmp_path: Path, key: str | None, role: str | None, words: str
) -> None:
    write(tmp_path, "alice", key, role)
    with pytest.raises(KeysError, match=words) as refused:
        read_keys(tmp_path)
    assert str(tmp_path / "alice") in str(refused.value)


def test_no_key_or_one_key_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="holds no API key"):
        read_keys(tmp_path)
    with pytest.raises(KeysError, match="is no folder"):
        read_keys(tmp_path / "none")
    write(tmp_path, "alice")
    write(tmp_path, "bob")
    with pytest.raises(KeysError, match="is the key of alice as well"):
        read_keys(tmp_path)
