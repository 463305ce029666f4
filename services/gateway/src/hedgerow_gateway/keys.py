"""Who may do what: API keys from a folder laid out as a mounted Secret, one subfolder per key."""

import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from hedgerow_gateway.problems import Problem

SHORTEST_KEY = 16


class Role(StrEnum):
    """A viewer reads; a trader also orders, tells books and halts; risk halts, releases and cancels anybody's order."""

    TRADER = "trader"
    RISK = "risk"
    VIEWER = "viewer"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key it was: the name of its subfolder."""

    name: str
    role: Role


class KeysError(ValueError):
    """The keys folder cannot be used; the message names the path and what should be there."""


# By the key's digest: of equal length, so that comparing tells nothing of the key.
Keys = Mapping[bytes, Caller]


def read_keys(folder: Path) -> Keys:
    """Every key of the folder: each subfolder is one, named by it, with the files `key` and `role`.

    Raises:
        KeysError: there is no key, a file is missing, or what it says cannot be used.
    """
    if not folder.is_dir():
        raise KeysError(
            f"{folder} is no folder; HEDGEROW_GATEWAY_KEYS_DIR should hold one subfolder per API key"
        )
    keys: dict[bytes, Caller] = {}
    # A mounted Secret also has folders of its own, whose names begin with a dot.
    for home in sorted(item for item in folder.iterdir() if item.is_dir() and item.name[0] != "."):
        key = _read(home / "key")
        if len(key) < SHORTEST_KEY or not key.isascii():
            raise KeysError(f"{home / 'key'} should hold at least {SHORTEST_KEY} ASCII characters")
        if (known := keys.get(_digest(key.encode()))) is not None:
            raise KeysError(f"{home / 'key'} is the key of {known.name} as well")
        keys[_digest(key.encode())] = Caller(name=home.name, role=_read_role(home / "role"))
    if not keys:
        raise KeysError(f"{folder} holds no API key: make a subfolder with the files key and role")
    return keys


def authenticate(keys: Keys, authorization: str | None) -> Caller:
    """Who sent the header `Authorization: Bearer <key>`.

    Raises:
        Problem: 401, there is no such header or no such key.
    """
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise _unauthenticated("send the header Authorization: Bearer <API key>")
    given = _digest(key.strip().encode("latin-1", errors="replace"))
    found = None
    for digest, caller in keys.items():
        # All are compared, so that the time tells nothing.
        if hmac.compare_digest(digest, given):
            found = caller
    if found is None:
        raise _unauthenticated("this API key is not known")
    return found


def _unauthenticated(detail: str) -> Problem:
    return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _read(path: Path) -> str:
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"{path} cannot be read: {error}") from error
    if not text:
        raise KeysError(f"{path} is empty")
    return text


def _read_role(path: Path) -> Role:
    text = _read(path)
    try:
        return Role(text)
    except ValueError:
        raise KeysError(f"{path} says {text!r}; roles are {', '.join(Role)}") from None
