"""`hedgerow intent resolve`: a person says how an order ended that the venue never told the end of."""

import getpass
import time

from hedgerow.cli.exits import ExitCode, Refused, UsageError
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.domain.money import plain
from hedgerow.execution.order_life import IntentState
from hedgerow.execution.resolution import ResolutionRefused
from hedgerow.ledger.resolution import resolve_by_hand


async def resolve_intent(servers: Servers, intent: int, state: str, reason: str) -> ExitCode:
    """Conclude an intent with the quantity that the ledger already has.

    Raises:
        Refused: there is no such intent, or it may not be concluded so, or not yet.
        UsageError: there is no such state, or no reason.
    """
    if not reason.strip():
        raise UsageError(
            "--reason is empty; say what you saw at the venue, for those who read the chain later"
        )
    wanted = next((item for item in IntentState if item.value.lower() == state.lower()), None)
    if wanted is None:
        raise UsageError(f'"{state}" is no state; an intent is resolved --as cancelled or --as abandoned')
    who = f"{getpass.getuser()} from the command line"
    async with open_ledger(servers) as connection:
        try:
            done = await resolve_by_hand(connection, intent, wanted, who, reason.strip(), time.time_ns())
        except (LookupError, ResolutionRefused) as error:
            raise Refused(str(error)) from None
    after = done.intent
    print(
        f"intent {after.id} of {after.strategy} is {after.state} with {plain(after.filled_quantity)} of "
        f"{plain(after.quantity)} {after.instrument} filled; its leg is decided anew"
    )
    print(
        "If the venue executed more than that, reconciliation finds the difference and halts the venue; it does "
        "not correct it."
    )
    return ExitCode.OK
