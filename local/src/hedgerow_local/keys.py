"""Keys of the local stack, laid out as mounted Secrets: of the exchange's accounts, and of the gateway's callers."""

import os
import secrets
from pathlib import Path

ACCOUNT = "hedge-01"
GENERATOR = "generator"
# By the key's name: one key per role for people, and the order generator's own.
GATEWAY_ROLES = {"trader": "trader", "risk": "risk", "viewer": "viewer", GENERATOR: "trader"}


def ensure_keys(folder: Path, account: str = ACCOUNT) -> None:
    """Make `<folder>/<account>/{apiKey,secret}` to trade with and `<folder>/<account>@read/…` to read with, unless they
    are there; only their owner may read them."""
    for place in (account, f"{account}@read"):
        for name, size in (("apiKey", 12), ("secret", 24)):
            _ensure(folder / place / name, secrets.token_hex(size))
    _ensure(folder / f"{account}@read" / "readOnly", "")


def ensure_gateway_keys(folder: Path) -> None:
    """Make the API keys: `<folder>/<name>/{key,role}`."""
    for name, role in GATEWAY_ROLES.items():
        _ensure(folder / name / "key", secrets.token_hex(24))
        _ensure(folder / name / "role", role)


def _ensure(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        aside = path.parent / f".{path.name}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        aside.rename(path)
