"""API keys from a folder laid out as a mounted Secret."""

from pathlib import Path


class KeysMissing(FileNotFoundError):
    """The account's folder lacks a key file."""


def read_keys(folder: Path) -> tuple[str, str]:
    """The account's API key and secret.

    Raises:
        KeysMissing: the message names the file.
    """

    def read(name: str) -> str:
        file = folder / name
        try:
            return file.read_text().strip()
        except FileNotFoundError:
            raise KeysMissing(
                f"{file} is missing; a venue account needs the files apiKey and secret"
            ) from None

    return read("apiKey"), read("secret")
