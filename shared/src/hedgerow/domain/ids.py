"""Names that must be unique, or must be found again."""

import re
import uuid

_BASE32 = "0123456789abcdefghijklmnopqrstuv"
_CLIENT_ORDER_ID = re.compile(r"^hr-([0-9a-f]{8})-([0-9a-v]+)$")
MAX_CLIENT_ORDER_ID = 36


def strategy_key(namespace: str, name: str) -> str:
    """How one strategy is named everywhere: topic keys, the ledger's messages, the command line."""
    return f"{namespace}/{name}"


def client_order_id(ledger: uuid.UUID, intent: int) -> str:
    """The one name under which an intent is ever sent: `hr-<8 of the ledger's uuid>-<intent in base 32>`.

    Raises:
        ValueError: the intent is not positive, or the name would pass the 36 characters that venues allow.
    """
    if intent <= 0:
        raise ValueError(f"intent {intent} is not positive")
    digits = ""
    rest = intent
    while rest:
        digits = _BASE32[rest & 31] + digits
        rest >>= 5
    name = f"hr-{ledger.hex[:8]}-{digits}"
    if len(name) > MAX_CLIENT_ORDER_ID:
        raise ValueError(f"client order id {name!r} is longer than {MAX_CLIENT_ORDER_ID} characters")
    return name


def intent_of(ledger: uuid.UUID, name: str) -> int | None:
    """The intent behind a client order id, or None when this ledger did not give that name."""
    match = _CLIENT_ORDER_ID.match(name)
    if match is None or match[1] != ledger.hex[:8]:
        return None
    return int(match[2], 32)
