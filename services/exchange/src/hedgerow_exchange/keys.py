"""Who may trade: API keys from a folder laid out as mounted Secrets, and the signatures made with them."""

import asyncio
import hmac
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import structlog

from hedgerow_exchange.refusals import Reason, Refused

DEFAULT_RECEIVE_WINDOW_MS = 5_000
AHEAD_LIMIT_MS = 1_000
FOLLOW_EVERY_S = 1.0

_log = structlog.get_logger(__name__)

_MILLISECONDS = re.compile(r"[0-9]{1,16}")


class KeysError(ValueError):
    """The keys folder cannot be used; the message names the path and what should be there."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    secret: bytes
    may_inject_faults: bool = False
    read_only: bool = False


def read_keys(folder: Path) -> dict[str, Key]:
    """Keys by `apiKey`: each subfolder is one account and holds the files `apiKey` and `secret`.

    A further key of an account is in a subfolder `account@label`. A file `mayInjectFaults` beside them lets the key ask
    for faults, where the exchange allows any; with a file `readOnly` it may ask and change nothing.

    Raises:
        KeysError: there is no account, a file is missing or empty, or two accounts share a key.
    """
    if not folder.is_dir():
        raise KeysError(f"{folder} is no folder; HEDGEROW_KEYS_DIR should hold one subfolder per account")
    keys: dict[str, Key] = {}
    # A mounted Secret also has folders of its own, whose names begin with a dot.
    for place in sorted(item for item in folder.iterdir() if item.is_dir() and item.name[0] != "."):
        api_key = _read(place / "apiKey")
        if api_key in keys:
            raise KeysError(f"{place / 'apiKey'} is the key of account {keys[api_key].account} as well")
        keys[api_key] = Key(
            account=place.name.partition("@")[0],
            secret=_read(place / "secret").encode(),
            may_inject_faults=(place / "mayInjectFaults").exists(),
            read_only=(place / "readOnly").exists(),
        )
    if not keys:
        raise KeysError(f"{folder} holds no account: make a subfolder with the files apiKey and secret")
    return keys


async def follow_keys(folder: Path, keys: dict[str, Key], add_account: Callable[[str], None]) -> None:
    """Bring `keys` up to the folder every second. A folder that cannot be used leaves them as they are, and is said.

    Args:
        add_account: called with each account that a key names, before the key counts.
    """
    while True:
        await asyncio.sleep(FOLLOW_EVERY_S)
        try:
            found = await asyncio.to_thread(read_keys, folder)
        except (KeysError, OSError) as error:
            _log.error("keys not taken up, the old ones stay in force", error=str(error))
            continue
        if found == keys:
            continue
        for key in found.values():
            add_account(key.account)
        keys.clear()
        keys.update(found)
        _log.warning("keys taken up", accounts=sorted({key.account for key in found.values()}))


def _read(path: Path) -> str:
    try:
        text = path.read_text().strip()
    except OSError as error:
        raise KeysError(f"{path} cannot be read: {error.strerror}") from error
    if not text:
        raise KeysError(f"{path} is empty")
    return text


def sign(secret: bytes, timestamp: str, api_key: str, receive_window: str, payload: str) -> str:
    """Bybit's v5 signature; `payload` is the query string as sent, or the body."""
    text = f"{timestamp}{api_key}{receive_window}{payload}"
    return hmac.digest(secret, text.encode(errors="replace"), "sha256").hex()


def authenticate(keys: Mapping[str, Key], headers: Mapping[str, str], payload: str, now_ms: int) -> Key:
    """The key that signed a request within its receive window.

    Raises:
        Refused: the key is unknown, the signature is wrong, or the request comes too late or too early.
    """
    key = key_that_signed(keys, headers, payload)
    _check_window(headers.get("X-BAPI-TIMESTAMP", ""), headers.get("X-BAPI-RECV-WINDOW", ""), now_ms)
    return key


def key_that_signed(keys: Mapping[str, Key], headers: Mapping[str, str], payload: str) -> Key:
    """The key that a request was signed with, whenever that was.

    Raises:
        Refused: the key is unknown, or the signature is wrong.
    """
    api_key = headers.get("X-BAPI-API-KEY", "")
    key = keys.get(api_key)
    if key is None:
        raise Refused(Reason.UNKNOWN_KEY, "API key is invalid.")
    timestamp = headers.get("X-BAPI-TIMESTAMP", "")
    window = headers.get("X-BAPI-RECV-WINDOW", "")
    expected = sign(key.secret, timestamp, api_key, window, payload)
    given = headers.get("X-BAPI-SIGN", "").encode(errors="replace")
    if not hmac.compare_digest(expected.encode(), given):
        raise Refused(Reason.WRONG_SIGNATURE, "error sign! please check your signature generation algorithm.")
    return key


def _check_window(timestamp: str, window: str, now_ms: int) -> None:
    if not _MILLISECONDS.fullmatch(timestamp) or (window and not _MILLISECONDS.fullmatch(window)):
        raise Refused(
            Reason.BAD_PARAMETER,
            f"X-BAPI-TIMESTAMP {timestamp!r} and X-BAPI-RECV-WINDOW {window!r} should be whole milliseconds",
        )
    window_ms = int(window) if window else DEFAULT_RECEIVE_WINDOW_MS
    if not now_ms - window_ms <= int(timestamp) < now_ms + AHEAD_LIMIT_MS:
        raise Refused(
            Reason.OUTSIDE_RECEIVE_WINDOW,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{timestamp}],server_timestamp[{now_ms}],recv_window[{window_ms}]",
        )
