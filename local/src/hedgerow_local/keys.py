"""API keys of the built-in exchange's accounts, laid out as a mounted Secret."""

import os
import secrets
from pathlib import Path

ACCOUNT = "hedge-01"


def ensure_keys(folder: Path, account: str = ACCOUNT) -> None:
    """Make `<folder>/<account>/{apiKey,secret}` unless they are there; only their owner may read them."""
    home = folder / account
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, size in (("apiKey", 12), ("secret", 24)):
        path = home / name
        if not path.exists():
            aside = home / f".{name}"
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_hex(size))
            aside.rename(path)
