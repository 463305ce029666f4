"""Venue against ledger: positions and open orders, at start and every few seconds. Drift halts the venue."""

import asyncio

import msgspec
import structlog

from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.domain.money import plain
from hedgerow.execution.drift import Drift, position_drifts
from hedgerow.ledger.continuity import SOURCE as RESTORED
from hedgerow.ledger.halts import HaltTarget
from hedgerow_executor.account import Account
from hedgerow_executor.account_ledger import AccountSide

_log = structlog.get_logger()
EVERY_S = 3.0
SETTLE_S = 0.5
SOURCE = "reconciliation"
# How far before the newest order that the ledger knows a lost one may have been sent.
LOST_SLACK_NS = 60_000_000_000
# Venues tell of executions some days back (Bybit: 7); what is older a person adopts.
LOST_REACH_NS = 6 * 86_400 * 1_000_000_000


class Reconciler:
    """Compares, and halts on a difference that stands in two looks; lifts its own halt when they agree again.

    While orders are on their way a difference is one that none of them can explain, and nothing is lifted or taken in.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._before: frozenset[str] = frozenset()
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
        compared = await compare(self._account)
        if compared is not None and await self._may_have_lost(compared) and await adopt_lost(self._account):
            compared = await compare(self._account)
        self._account.context.readiness.set("venue", True)
        if compared is None:
            return
        self._account.metrics.discrepancies.labels(self._account.name).set(len(compared.drifts))
        standing = [drift for drift in compared.drifts if drift.key in self._before]
        self._before = frozenset(drift.key for drift in compared.drifts)
        if standing:
            await self._halt([drift.words for drift in standing])
        elif compared.whole and not compared.drifts:
            await self._release()

    async def _may_have_lost(self, compared: "Compared") -> bool:
        """Halted or not: what halts may have been found while orders were on their way, when nothing is taken in. Lost
        fills that cancel each other out leave no drift, and must be known before a restored ledger goes on."""
        if not compared.whole:
            return False
        if compared.drifts:
            return True
        halts = await self._account.ledger.standing_halts()
        return any((halt.target, halt.source) == (self._target(), RESTORED) for halt in halts)

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


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One look. `whole`: nothing was on its way, so that no drift is agreement."""

    drifts: list[Drift]
    whole: bool


async def compare(account: Account) -> Compared | None:
    """What venue and ledger do not say alike; None when the ledger moved on meanwhile and nothing can be said.

    Raises:
        VenueUnavailable: the venue did not answer.
    """
    before = await account.ledger.side(account.now_ns())
    held_there = await account.venue.positions(before.instruments)
    account.liquidation_prices = {
        held.instrument: held.liquidation_price for held in held_there if held.liquidation_price is not None
    }
    at_venue = {held.instrument: held.quantity for held in held_there}
    names = await account.venue.open_client_order_ids(before.instruments)
    after = await account.ledger.side(account.now_ns())
    if (after.newest_intent, after.is_quiet) != (before.newest_intent, before.is_quiet):
        return None
    if before.is_quiet and after.positions != before.positions:
        return None
    found = position_drifts(before.positions, at_venue, () if before.is_quiet else before.moving)
    # Whatever else rests at the venue is not ours to leave there.
    found += [
        Drift(key=name, words=f"open order {name} is {_whose(name, before)}")
        for name in names
        if name not in before.open_names
    ]
    return Compared(drifts=found, whole=before.is_quiet)


def _whose(name: str, side: AccountSide) -> str:
    return "ours, and not followed" if side.ours(name) else "not of this ledger"


async def adopt_lost(account: Account) -> int:
    """Take in what the venue executed of orders that this ledger placed and does not know any more: it was restored, or
    promoted without its newest rows. Which execution is whose, the client order id says.

    Returns:
        How many executions were taken in.

    Raises:
        VenueUnavailable: the venue did not answer.
    """
    side = await account.ledger.side(account.now_ns())
    if not side.is_quiet:
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
