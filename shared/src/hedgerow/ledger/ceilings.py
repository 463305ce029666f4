"""The platform's own ceilings: one row, read in every claim."""

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


async def write_ceilings(connection: Any, ceilings: Ceilings) -> None:
    """What holds from the next claim on."""
    await connection.execute("update ceilings set config = $1", msgspec.json.encode(ceilings).decode())
