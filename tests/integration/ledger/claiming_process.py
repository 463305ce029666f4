"""Claims one intent in a process of its own: `python claiming_process.py DSN INTENT NOW_NS`; says what came of it."""

import asyncio
import sys

import hedge_examples as example

from hedgerow.ledger.claims import claim
from hedgerow.ledger.connection import LEDGER_LOST, create_pool


async def _claim(dsn: str, intent: int, now_ns: int) -> None:
    async with await create_pool(dsn, "claiming-process", 1) as pool, pool.acquire() as connection:
        try:
            await claim(connection, intent, example.seen(example.ticker(time_ns=now_ns)), now_ns)
            print("claimed")
        except LEDGER_LOST as error:
            print(f"ledger lost: {type(error).__name__}")


if __name__ == "__main__":
    asyncio.run(_claim(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
