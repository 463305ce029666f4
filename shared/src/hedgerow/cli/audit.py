"""`hedgerow audit verify`: is the ledger's history as it was written."""

import msgspec

from hedgerow.cli.exits import ExitCode, Refused, complain
from hedgerow.cli.names import key_of
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.ledger.chain import verify_chain
from hedgerow.ledger.strategies import find_strategy


async def verify(servers: Servers, strategy: str | None, namespace: str, as_json: bool) -> ExitCode:
    """Recompute the hash chain of one live strategy, or of all that ever were.

    Raises:
        Refused: there is no such strategy.
    """
    async with open_ledger(servers) as connection:
        uid = None
        if strategy is not None:
            found = await find_strategy(connection, key_of(strategy, namespace))
            if found is None:
                raise Refused(
                    f"there is no HedgeStrategy {key_of(strategy, namespace)}; without a name all are verified, "
                    "deleted ones too"
                )
            uid = found.uid
        report = await verify_chain(connection, uid)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        for text in report.breaks:
            complain(text)
        print(f"{report.entries} entries, {len(report.breaks)} breaks")
    return ExitCode.REFUSED if report.breaks else ExitCode.OK
