"""What must be known before a claim: the venue's own touch, and which generations this account serves."""

import asyncio

import structlog

from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.execution.account_tally import usable_mids
from hedgerow.execution.intents import after
from hedgerow.schemas.acknowledging import executor_role
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Acknowledgement
from hedgerow.schemas.topics import STRATEGY_STATUS
from hedgerow.streams import trace
from hedgerow_executor.account import Account

_log = structlog.get_logger()
TICKER_EVERY_S = 0.2
FUNDS_EVERY_S = 1.0
CLOCK_EVERY_S = 5.0
STRATEGIES_EVERY_S = 0.1
MARK_EVERY_S = 5.0


async def ticker_loop(account: Account) -> None:
    """Poll the touch of every instrument that a strategy hedges with, or still holds, on this account."""
    while not account.context.stopping.is_set():
        await poll_tickers(account)
        await asyncio.sleep(TICKER_EVERY_S)


async def poll_tickers(account: Account) -> None:
    """Ask once for each. An old touch ages, and the claim refuses it when it is too old. A market that is not as it is
    listed is told: nothing is claimed in it."""
    instruments = await account.ledger.instruments()
    problems = account.venue.market_problems
    unfit = [problems[instrument] for instrument in instruments if instrument in problems]
    account.context.readiness.set(f"markets of {account.venue_key}", not unfit, "; ".join(unfit), outage=True)
    for instrument in instruments:
        try:
            ticker = await account.venue.ticker(instrument)
            account.tickers[instrument] = after(account.tickers.get(instrument), ticker)
        except VenueUnavailable as error:
            _log.warning("no ticker", instrument=instrument, error=str(error))


async def funds_loop(account: Account) -> None:
    """Follow what the account can put up: the claim looks at the newest answer, and refuses an old one."""
    while not account.context.stopping.is_set():
        await poll_funds(account)
        await asyncio.sleep(FUNDS_EVERY_S)


async def poll_funds(account: Account) -> None:
    """Ask once, and write the answer down: legs that go together may be on several accounts."""
    try:
        account.funds = await account.venue.funds(await account.ledger.instruments())
    except VenueUnavailable as error:
        _log.warning("funds not told", error=str(error))
        return
    await account.ledger.write_funds(account.funds)


async def clock_loop(account: Account) -> None:
    """Follow the venue's clock: with one that has drifted or was set, every order would be outside its window."""
    while not account.context.stopping.is_set():
        try:
            ahead_ms = await account.venue.measure_clock()
            account.metrics.clock_offset.labels(account.name).set(ahead_ms / 1_000)
        except VenueUnavailable as error:
            _log.warning("venue's clock not measured", error=str(error))
        await asyncio.sleep(CLOCK_EVERY_S)


async def mark_loop(account: Account) -> None:
    """Write down what each strategy has made on the account today, for the daily limits."""
    while not account.context.stopping.is_set():
        await mark_once(account)
        await asyncio.sleep(MARK_EVERY_S)


async def mark_once(account: Account) -> None:
    """One writing; before the first claim, so that a day never opens with a loss already in it."""
    now_ns = account.now_ns()
    await account.ledger.mark_day(usable_mids(account.tickers, now_ns), now_ns)


async def acknowledge_loop(account: Account) -> None:
    """Acknowledge each generation whose leg is on this account, once."""
    said: dict[str, int] = {}
    role = executor_role(account.venue_key)
    while not account.context.stopping.is_set():
        for item in await account.ledger.changed_strategies(said):
            ours = any(
                (leg.venue, leg.account) == (account.venue_key, account.name)
                for leg in item.config.hedge_with
            )
            if not ours or not account.reachable():
                continue
            said[item.uid] = item.generation
            record = Acknowledgement(
                strategy=item.config.key,
                role=role,
                worker=account.context.worker,
                uid=item.uid,
                generation=item.generation,
                revision=item.revision,
                time_ns=account.now_ns(),
            )
            key = f"{item.config.key}/{role}"
            headers = trace.start(f"generation:{item.config.key}:{item.generation}", record.time_ns)
            account.context.producer.send(STRATEGY_STATUS.name, key, encode(record), headers)
        await asyncio.sleep(STRATEGIES_EVERY_S)
