"""The platform's own ceilings: one row, read in every claim."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hedgerow.execution.claim_facts import Ceilings

_decoder = msgspec.json.Decoder(Ceilings)


def decode_ceilings(text: str) -> Ceilings:
    """Ceilings from their column."""
    return _decoder.decode(text)


async def read_ceilings(connection: Any) -> Ceilings:
    """What holds now."""
    return decode_ceilings(await connection.fetchval("select config from ceilings"))


async def change_ceilings(connection: Any, changes: Mapping[str, Any]) -> Ceilings:
    """Set the named fields and leave the others; what holds from the next claim on.

    Two changes at the same moment go one after the other, so neither undoes the other.
    """
    async with connection.transaction():
        before = decode_ceilings(await connection.fetchval("select config from ceilings for update"))
        after = msgspec.structs.replace(before, **changes)
        await connection.execute("update ceilings set config = $1", msgspec.json.encode(after).decode())
    return after
