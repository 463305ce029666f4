"""What a claim reads of the ledger's tables, and the days that daily limits are counted by."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from hedgerow.domain.days import utc_day
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import signed
from hedgerow.domain.positions import Position
from hedgerow.execution.account_tally import (
    Flying,
    Holding,
    TradingDay,
    in_a_row,
    profit,
    tally,
    unmarked,
    usable_mids,
)
from hedgerow.execution.claim_facts import (
    MINUTE_NS,
    SECOND_NS,
    Ceilings,
    Claimable,
    ClaimFacts,
    Funds,
    OtherAccount,
    VenueView,
)
from hedgerow.execution.intents import Intent, VenueFill
from hedgerow.execution.order_life import AT_VENUE
from hedgerow.strategy.compiled import CompiledVenue, Mode

if TYPE_CHECKING:
    from hedgerow_simulator.tables import Tables

PositionKey = tuple[str, Mode, str, str, str]
DayKey = tuple[str, object, Mode, str, str]


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `trading_days`."""

    turnover: Decimal = ZERO
    opening_pnl: Decimal | None = None
    pnl: Decimal | None = None


def position_key(intent: Intent) -> PositionKey:
    return (intent.strategy_uid, intent.mode, intent.venue, intent.account, intent.instrument)


def facts_of(
    tables: "Tables", intent: Intent, venue: CompiledVenue, seen: VenueView, now_ns: int
) -> ClaimFacts:
    """What the controls look at."""
    row = tables.strategies[intent.strategy_uid]
    here, virtual = (intent.venue, intent.account), intent.mode is Mode.SHADOW
    at_venue = [item for item in tables.intents.values() if item.state in AT_VENUE and item.id != intent.id]
    claims = sorted(
        (item for item in tables.intents.values() if item.claimed_ns is not None),
        key=lambda item: (item.claimed_ns, item.id),
        reverse=True,
    )
    last_minute = [
        (item.instrument, item.side.value)
        for item in claims
        if item.strategy_uid == intent.strategy_uid and _claimed_after(item, now_ns - MINUTE_NS)
    ]
    counted = tally(
        intent.strategy_uid,
        _holdings(tables, *here, virtual),
        [
            Flying(
                strategy_uid=item.strategy_uid,
                on_account=(item.venue, item.account) == here,
                instrument=item.instrument,
                quantity=item.quantity - item.filled_quantity,
                limit_price=item.limit_price,
            )
            for item in at_venue
            if (item.mode is Mode.SHADOW) is virtual
            and ((item.venue, item.account) == here or item.strategy_uid == intent.strategy_uid)
        ],
        [
            TradingDay(
                strategy_uid=uid,
                on_account=(where, account) == here,
                turnover=day.turnover,
                opening_pnl=day.opening_pnl,
                pnl=day.pnl,
            )
            for (uid, date, mode, where, account), day in tables.days.items()
            if date == utc_day(now_ns)
            and (mode is Mode.SHADOW) is virtual
            and ((where, account) == here or uid == intent.strategy_uid)
        ],
        usable_mids(seen.tickers, now_ns),
    )
    return ClaimFacts(
        intent=intent,
        instrument=find_instrument(intent.instrument),
        config=row.published.config,
        generation=row.published.generation,
        venue=venue,
        ceilings=Ceilings(),
        halts=tables.halts_against(intent.strategy, {intent.venue}),
        ticker=seen.tickers.get(intent.instrument),
        opened=seen.opened,
        market_problem=seen.market_problems.get(intent.instrument),
        position=tables.positions.get(position_key(intent), Position()).quantity,
        at_venue=sum(
            (
                signed(item.side, item.quantity - item.filled_quantity)
                for item in at_venue
                if position_key(item) == position_key(intent)
            ),
            ZERO,
        ),
        account_gross_notional=counted.gross_notional,
        turnover_today=counted.turnover_today,
        loss_today=counted.loss_today,
        account_loss_today=counted.account_loss_today,
        unmarked=counted.unmarked,
        liquidation_price=None if virtual else seen.liquidation_prices.get(intent.instrument),
        funds=seen.funds,
        companions=tuple(
            _claimable(item, tables.positions.get(position_key(item), Position()).quantity)
            for item in tables.intents.values()
            if item.decision == intent.decision and item.id != intent.id
        ),
        claimed_since_funds=() if seen.funds is None else _claimed_since(tables, here, seen.funds),
        other_accounts=tuple(
            OtherAccount(
                venue=where[0],
                account=where[1],
                funds=funds,
                claimed_since_funds=_claimed_since(tables, where, funds),
            )
            for where, funds in tables.funds.items()
            if where != here
        ),
        orders_last_minute=len(last_minute),
        repeated_orders=in_a_row(last_minute, intent.instrument, intent.side),
        orders_last_second=sum(
            (item.venue, item.account) == here and _claimed_after(item, now_ns - SECOND_NS) for item in claims
        ),
        now_ns=now_ns,
    )


def count_turnover(tables: "Tables", intent: Intent, before: Position, fill: VenueFill, now_ns: int) -> None:
    """Add a fill to its day, as `ledger/trading_days.py` does."""
    key = (intent.strategy_uid, utc_day(now_ns), intent.mode, intent.venue, intent.account)
    day = tables.days.get(key)
    if day is None:
        day = Day(opening_pnl=before.realised_pnl - before.fees if before.quantity == 0 else None)
    worth = find_instrument(intent.instrument).notional(fill.quantity, fill.price)
    tables.days[key] = msgspec.structs.replace(day, turnover=day.turnover + worth)


def mark_day(tables: "Tables", venue: str, account: str, mids: Mapping[str, Decimal], now_ns: int) -> None:
    """Write down what each strategy has made by now, and open its day, as `ledger/trading_days.py` does."""
    owners = sorted(
        {(uid, mode) for uid, mode, where, held, _ in tables.positions if (where, held) == (venue, account)}
    )
    for uid, mode in owners:
        holdings = [
            item
            for item in _holdings(tables, venue, account, mode is Mode.SHADOW)
            if item.strategy_uid == uid
        ]
        if unmarked(holdings, mids):
            continue
        key, pnl = (uid, utc_day(now_ns), mode, venue, account), profit(holdings, mids)
        day = tables.days.get(key, Day())
        opening = pnl if day.opening_pnl is None else day.opening_pnl
        tables.days[key] = msgspec.structs.replace(day, opening_pnl=opening, pnl=pnl)


def _holdings(tables: "Tables", venue: str, account: str, virtual: bool) -> list[Holding]:
    return [
        Holding(
            strategy_uid=uid,
            instrument=instrument,
            quantity=position.quantity,
            entry_price=position.entry_price,
            settled=position.realised_pnl - position.fees,
        )
        for (uid, mode, where, held, instrument), position in tables.positions.items()
        if (where, held) == (venue, account) and (mode is Mode.SHADOW) is virtual
    ]


def _claimable(intent: Intent, position: Decimal = ZERO) -> Claimable:
    return Claimable(
        id=intent.id,
        state=intent.state,
        venue=intent.venue,
        account=intent.account,
        instrument=intent.instrument,
        side=intent.side,
        quantity=intent.quantity,
        limit_price=intent.limit_price,
        position=position,
    )


def _claimed_since(tables: "Tables", where: tuple[str, str], funds: Funds) -> tuple[Claimable, ...]:
    return tuple(
        _claimable(item)
        for item in tables.intents.values()
        if (item.venue, item.account) == where
        and item.mode is not Mode.SHADOW
        and _claimed_after(item, funds.time_ns)
    )


def _claimed_after(intent: Intent, after_ns: int) -> bool:
    return intent.claimed_ns is not None and intent.claimed_ns > after_ns
