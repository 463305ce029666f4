"""The gateway as the command line calls it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from hedgerow.cli.exits import Refused
from hedgerow.cli.servers import STACK_FILE, key_values
from hedgerow.streams.settings import SettingsError

URL = "HEDGEROW_GATEWAY_URL"
KEY = "HEDGEROW_API_KEY"
KEYS_DIR = "HEDGEROW_GATEWAY_KEYS_DIR"
# The local stack's own key for this.
LOCAL_KEY = Path("trader") / "key"
PATIENCE_S = 15.0


class GatewayUnreachable(Exception):
    """The gateway, or the ledger behind it, does not answer; the message says at which address."""


class Book(msgspec.Struct, frozen=True):
    """A book as the gateway shows it."""

    name: str
    kind: str
    sequence: int
    as_of: str
    positions: dict[str, str]
    loans: list[dict[str, Any]]
    entries: dict[str, dict[str, str]] = {}


class GatewayAddress(msgspec.Struct, frozen=True):
    """Where it is, and the API key to call it with."""

    url: str
    key: str


def read_gateway(
    url: str | None,
    key_file: Path | None,
    environment: Mapping[str, str] = os.environ,
    folder: Path = Path(),
) -> GatewayAddress:
    """From the options, else the environment, else the local stack that runs in this folder.

    Raises:
        SettingsError: the address or the key is missing or cannot be read; the message says how to give it.
    """
    file = folder / STACK_FILE
    stack = key_values(file.read_text()) if file.is_file() else {}
    address = url or environment.get(URL) or stack.get(URL)
    if not address:
        raise SettingsError(f"give the gateway's address: --gateway URL, or set {URL}")
    if not address.startswith(("http://", "https://")):
        raise SettingsError(f"the gateway's address {address!r} should begin with http:// or https://")
    if key_file is None and (key := environment.get(KEY)):
        return GatewayAddress(address.rstrip("/"), key.strip())
    if key_file is None and address == stack.get(URL) and KEYS_DIR in stack:
        # Only to the stack that it belongs to: a key is not shown to another address.
        key_file = Path(stack[KEYS_DIR]) / LOCAL_KEY
    if key_file is None:
        raise SettingsError(f"give an API key: --key-file FILE, or set {KEY}")
    try:
        return GatewayAddress(address.rstrip("/"), key_file.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the API key cannot be read from {key_file}: {error}") from None


async def get_book(gateway: GatewayAddress, name: str) -> Book | None:
    """A book as it stands; None when there is none of this name.

    Raises:
        Refused, GatewayUnreachable: see there.
    """
    status, body = await _call(gateway, "GET", name, None)
    return None if status == 404 else _book(body)


async def put_book(
    gateway: GatewayAddress, name: str, sequence: int, as_of: str, content: Mapping[str, Any]
) -> Book:
    """Tell a book, and return it as it then stands.

    Args:
        content: its `positions` with their `entries`, or its `loans`, as the gateway takes them.

    Raises:
        Refused, GatewayUnreachable: see there.
    """
    body = {"sequence": sequence, "as_of": as_of, **content}
    return _book((await _call(gateway, "PUT", name, body))[1])


async def _call(gateway: GatewayAddress, method: str, name: str, body: Any) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body)
    url = f"{gateway.url}/books/{quote(name, safe='')}"
    try:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, url, data=data) as answer,
        ):
            status, text = answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise GatewayUnreachable(
            f"the gateway at {gateway.url} does not answer: {error or type(error).__name__}"
        ) from None
    if status == 404 and method == "GET":
        return status, text
    if status >= 400:
        said = _said(text) or f"HTTP {status}"
        if status >= 500:
            raise GatewayUnreachable(f"the gateway at {gateway.url} says: {said}")
        raise Refused(f"the gateway refuses: {said}")
    return status, text


class _FieldError(msgspec.Struct):
    field: str
    reason: str


class _Problem(msgspec.Struct):
    detail: str
    errors: list[_FieldError] = []


def _said(text: bytes) -> str:
    try:
        problem = msgspec.json.decode(text, type=_Problem)
    except msgspec.DecodeError:
        return text[:200].decode(errors="replace")
    return "\n  ".join([problem.detail, *(f"{item.field}: {item.reason}" for item in problem.errors)])


def _book(text: bytes) -> Book:
    try:
        return msgspec.json.decode(text, type=Book)
    except msgspec.DecodeError as error:
        raise Refused(f"what answered is no gateway: {error}") from None
