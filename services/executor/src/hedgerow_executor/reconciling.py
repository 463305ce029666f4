"""Venue against ledger: positions and open orders, at start and every few seconds. Drift halts the venue."""

import asyncio

import structlog

from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.domain.money import ZERO, plain
from hedgerow.ledger.continuity import SOURCE as RESTORED
from hedgerow.ledger.halts import HaltTarget
from hedgerow_executor.account import Account

_log = structlog.get_logger()
EVERY_S = 3.0
SETTLE_S = 0.5
SOURCE = "reconciliation"
# How far before the newest order that the ledger knows a lost one may have been sent.
LOST_SLACK_NS = 60_000_000_000
# Venues tell of executions some days back (Bybit: 7); what is older a person adopts.
LOST_REACH_NS = 6 * 86_400 * 1_000_000_000


class Reconciler:
    """Compares, and halts on a difference that stands in two looks; lifts its own halt when they agree again."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._before: list[str] = []
        self._halted = False

    async def loop(self) -> None:
        """Until told to stop, every `EVERY_S`."""
        while not self._account.context.stopping.is_set():
            try:
                await self.compare_once()
            except VenueUnavailable as error:
                self._account.context.readiness.set("venue", False, str(error), outage=True)
                _log.warning("venue away", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def settle(self) -> None:
        """Before anything is claimed: a difference that was there at the start halts at once.

        Raises:
            VenueUnavailable: nothing can be said.
        """
        await self.compare_once()
        if self._before:
            await asyncio.sleep(SETTLE_S)
            await self.compare_once()

    async def compare_once(self) -> None:
        """One look.

        Raises:
            VenueUnavailable: nothing can be said.
        """
        found = await differences(self._account)
        if found and not self._halted and await adopt_lost(self._account):
            found = await differences(self._account)
        self._account.context.readiness.set("venue", True)
        if found is None:
            return
        self._account.metrics.discrepancies.labels(self._account.name).set(len(found))
        standing = [difference for difference in found if difference in self._before]
        self._before = found
        if standing:
            await self._halt(standing)
        elif not found:
            await self._release()

    async def _halt(self, standing: list[str]) -> None:
        if self._halted:
            return
        reason = "; ".join(standing)
        _log.error("venue and ledger disagree: halted", venue=self._account.venue_key, differences=reason)
        await self._account.ledger.place_halt(self._target(), SOURCE, reason, self._account.now_ns())
        self._halted = True

    async def _release(self) -> None:
        released: list[int] = []
        # A restored or promoted ledger is halted by its own source, for what this agreement now says.
        for source in (SOURCE, RESTORED):
            released += await self._account.ledger.release_halts(
                self._target(), source, SOURCE, self._account.now_ns()
            )
        if released:
            _log.warning(
                "venue and ledger agree again: released", venue=self._account.venue_key, halts=released
            )
        self._halted = False

    def _target(self) -> HaltTarget:
        return HaltTarget(kind="Venue", name=self._account.venue_key)


async def differences(account: Account) -> list[str] | None:
    """Every difference in words with its numbers; None while orders are on their way and nothing can be compared.

    Raises:
        VenueUnavailable: the venue did not answer.
    """
    before = await account.ledger.side()
    if before is None:
        return None
    held_there = await account.venue.positions(before.instruments)
    account.liquidation_prices = {
        held.instrument: held.liquidation_price for held in held_there if held.liquidation_price is not None
    }
    at_venue = {held.instrument: held.quantity for held in held_there}
    names = await account.venue.open_client_order_ids(before.instruments)
    if await account.ledger.side() != before:
        return None
    positions = before.positions
    found = [
        f"{symbol}: the venue holds {plain(at_venue.get(symbol, ZERO))} contracts, the ledger "
        f"{plain(positions.get(symbol, ZERO))}"
        for symbol in sorted(at_venue.keys() | positions.keys())
        if at_venue.get(symbol, ZERO) != positions.get(symbol, ZERO)
    ]
    # Nothing of ours is open (checked above), so whatever rests at the venue is not ours to leave there.
    found += [
        f"open order {name} is {'ours, and not followed' if before.ours(name) else 'not of this ledger'}"
        for name in names
    ]
    return found


async def adopt_lost(account: Account) -> int:
    """Take in what the venue executed of orders that this ledger placed and does not know any more: it was restored, or
    promoted without its newest rows. Which execution is whose, the client order id says.

    Returns:
        How many executions were taken in.

    Raises:
        VenueUnavailable: the venue did not answer.
    """
    side = await account.ledger.side()
    if side is None:
        return 0
    since_ns = max(await account.ledger.newest_ns() - LOST_SLACK_NS, account.now_ns() - LOST_REACH_NS)
    taken = 0
    for instrument in side.instruments:
        for execution in await account.venue.executions(instrument, since_ns):
            if not side.ours(execution.client_order_id):
                continue
            adopted = await account.ledger.adopt_execution(instrument, execution, account.now_ns())
            if adopted is not None:
                taken += 1
                _log.error(
                    "adopted an execution that the ledger had lost",
                    order=execution.client_order_id,
                    execution=execution.fill.execution_id,
                    strategy=adopted.strategy,
                    position=plain(adopted.position),
                )
    return taken
