"""`hedgerow audit verify`: is history as it was written, and does every decision follow from its inputs."""

import msgspec

from hedgerow.cli.exits import ExitCode, Refused, complain
from hedgerow.cli.names import key_of
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.cli.tables import progress
from hedgerow.ledger.audit import count_decisions, replay_decisions
from hedgerow.ledger.chain import count_entries, verify_chain
from hedgerow.ledger.strategies import find_strategy


async def verify(servers: Servers, strategy: str | None, namespace: str, as_json: bool) -> ExitCode:
    """Recompute the hash chain and make every decision again, of one live strategy or of all that ever were.

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
        with progress() as bars:
            entries = bars.add_task("chain", total=await count_entries(connection, uid))
            decisions = bars.add_task("decisions", total=await count_decisions(connection, uid))
            chain = await verify_chain(connection, uid, lambda: bars.advance(entries))
            replay = await replay_decisions(connection, uid, lambda: bars.advance(decisions))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"chain": chain, "replay": replay})).decode())
    else:
        for text in chain.breaks:
            complain(text)
        for item in replay.differences:
            complain(f"decision {item.decision} was {item.stored}; from its inputs it is {item.replayed}")
        print(
            f"{chain.entries} entries, {len(chain.breaks)} breaks; "
            f"{replay.decisions} decisions made again, {len(replay.differences)} differ"
        )
    return ExitCode.REFUSED if chain.breaks or replay.differences else ExitCode.OK
