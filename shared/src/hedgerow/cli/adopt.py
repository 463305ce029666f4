"""`hedgerow adopt`: what a person traded on a strategy's account becomes the strategy's."""

import getpass
import time

from hedgerow.cli.exits import ExitCode, Refused, UsageError
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.domain.money import parse_decimal, plain
from hedgerow.ledger.adoptions import AdoptionRefused, adopt_position


async def adopt(
    servers: Servers, strategy: str, instrument: str, position: str, price: str, reason: str
) -> ExitCode:
    """Have the ledger hold what the venue holds; who and why go into the chain.

    Raises:
        Refused: it cannot be adopted so.
        UsageError: a number is none, or the reason is empty.
    """
    if not reason.strip():
        raise UsageError("--reason is empty; say who traded and why, for those who read the chain later")
    try:
        wanted, at = parse_decimal(position), parse_decimal(price)
    except ValueError as error:
        raise UsageError(str(error)) from None
    why = f"adopted by {getpass.getuser()} from the command line: {reason.strip()}"
    async with open_ledger(servers) as connection:
        try:
            done = await adopt_position(connection, strategy, instrument, wanted, at, why, time.time_ns())
        except (AdoptionRefused, KeyError) as error:
            raise Refused(str(error.args[0])) from None
    print(
        f"{done.strategy} has taken over a {done.side} of {plain(done.quantity)} {instrument} at {plain(at)} "
        f"(adoption {done.number}) and holds {plain(done.position)}; reconciliation releases its halt when the venue "
        "holds as much"
    )
    return ExitCode.OK
