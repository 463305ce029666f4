"""Venue against ledger: positions and open orders, at start and every few seconds. Drift halts the venue."""

import asyncio

import structlog

from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.domain.ids import intent_of
from hedgerow.domain.money import ZERO, plain
from hedgerow.ledger.halts import HaltTarget
from hedgerow_executor.account import Account

_log = structlog.get_logger()
EVERY_S = 3.0
SETTLE_S = 0.5
SOURCE = "reconciliation"


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
        released = await self._account.ledger.release_halts(
            self._target(), SOURCE, SOURCE, self._account.now_ns()
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
        f"open order {name} is {'concluded here' if intent_of(before.ledger, name) else 'not of this ledger'}"
        for name in names
    ]
    return found
