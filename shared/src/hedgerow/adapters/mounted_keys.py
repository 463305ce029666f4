"""A venue account's API key, from a folder laid out as a mounted Secret."""

from pathlib import Path


class KeysMissing(FileNotFoundError):
    """The folder lacks a key file; the message names it."""


def read_keys(folder: Path) -> tuple[str, str]:
    """The API key and its secret.

    Raises:
        KeysMissing: a file is not there.
    """
    return _read(folder / "apiKey"), _read(folder / "secret")


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        raise KeysMissing(f"{file} is missing; a key is the two files apiKey and secret") from None
