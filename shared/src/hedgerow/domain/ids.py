"""Names that must be unique, or must be found again."""

import re
import uuid

_BASE32 = "0123456789abcdefghijklmnopqrstuv"
# The digits have no leading zero, so that an intent has one name only; 13 hold any intent that the ledger can number.
_CLIENT_ORDER_ID = re.compile(r"hr-([0-9a-f]{8})-([1-9a-v][0-9a-v]{0,12})")
_MAX_INTENT = 2**63 - 1
MAX_CLIENT_ORDER_ID = 36


def strategy_key(namespace: str, name: str) -> str:
    """How one strategy is named everywhere: topic keys, the ledger's messages, the command line."""
    return f"{namespace}/{name}"


def client_order_id(ledger: uuid.UUID, intent: int) -> str:
    """The one name under which an intent is ever sent: `hr-<8 of the ledger's uuid>-<intent in base 32>`.

    Raises:
        ValueError: the intent is not a number that the ledger gives, 1 to 2^63 - 1.
    """
    if not 0 < intent <= _MAX_INTENT:
        raise ValueError(f"intent {intent} is not between 1 and {_MAX_INTENT}")
    digits = ""
    rest = intent
    while rest:
        digits = _BASE32[rest & 31] + digits
        rest >>= 5
    return f"hr-{ledger.hex[:8]}-{digits}"


def intent_of(ledger: uuid.UUID, name: str) -> int | None:
    """The intent behind a client order id, or None when this ledger did not give that name."""
    match = _CLIENT_ORDER_ID.fullmatch(name)
    if match is None or match[1] != ledger.hex[:8]:
        return None
    intent = int(match[2], 32)
    return intent if intent <= _MAX_INTENT else None
