"""What an account carries, has turned over and lost this day, from the ledger's rows and the venue's prices. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from hedgerow.domain.age import age_problem
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side
from hedgerow.execution.claim_facts import SECOND_NS
from hedgerow.execution.intents import Ticker
from hedgerow.execution.market_controls import ticker_problem

# The oldest touch that a position is valued at.
MAX_MARK_AGE_NS = 15 * SECOND_NS


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy's position on the account. `settled`: its realised profit less fees, ever."""

    strategy_uid: str
    instrument: str
    quantity: Decimal
    entry_price: Decimal
    settled: Decimal


class Flying(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue may still fill of an order; unsigned."""

    strategy_uid: str
    on_account: bool
    instrument: str
    quantity: Decimal
    limit_price: Decimal


class TradingDay(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy's day on one account. Profits are all there ever was, settled and open; None is not marked yet."""

    strategy_uid: str
    on_account: bool
    turnover: Decimal
    opening_pnl: Decimal | None
    pnl: Decimal | None


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """As in `ClaimFacts`."""

    gross_notional: Decimal
    turnover_today: Decimal
    loss_today: Decimal
    account_loss_today: Decimal
    unmarked: tuple[str, ...]


def usable_mids(tickers: Mapping[str, Ticker], now_ns: int) -> dict[str, Decimal]:
    """By instrument, the mids that positions can be valued at now."""
    return {
        instrument: ticker.mid
        for instrument, ticker in tickers.items()
        if age_problem(ticker.time_ns, now_ns, MAX_MARK_AGE_NS) is None and ticker_problem(ticker) is None
    }


def profit(holdings: Iterable[Holding], mids: Mapping[str, Decimal]) -> Decimal:
    """Settled and open, all there ever was. What has no mid counts as worth what was paid."""
    return sum((holding.settled + _open_profit(holding, mids) for holding in holdings), ZERO)


def unmarked(holdings: Iterable[Holding], mids: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Instruments that are held and have no mid."""
    return tuple(sorted({item.instrument for item in holdings if item.quantity} - mids.keys()))


def tally(
    strategy_uid: str,
    holdings: Sequence[Holding],
    flying: Sequence[Flying],
    days: Sequence[TradingDay],
    mids: Mapping[str, Decimal],
) -> Tally:
    """
    Args:
        holdings: on the account; flying: on the account or of the strategy, other than the order that is claimed.
        days: this day's, on the account or of the strategy. The strategy's part on another account counts as its own
            executor last marked it.
    """
    gross = sum((_worth(item, mids) for item in holdings), ZERO)
    gross += sum((_limit_worth(item) for item in flying if item.on_account), ZERO)
    own = [day for day in days if day.strategy_uid == strategy_uid]
    turnover = sum((day.turnover for day in own), ZERO)
    turnover += sum((_limit_worth(item) for item in flying if item.strategy_uid == strategy_uid), ZERO)
    here = {day.strategy_uid: _lost(day, holdings, mids) for day in days if day.on_account}
    elsewhere = sum((_last_lost(day) for day in own if not day.on_account), ZERO)
    return Tally(
        gross_notional=gross,
        turnover_today=turnover,
        loss_today=here.get(strategy_uid, ZERO) + elsewhere,
        account_loss_today=sum(here.values(), ZERO),
        unmarked=unmarked(holdings, mids),
    )


def in_a_row(newest_first: Iterable[tuple[str, str]], instrument: str, side: Side) -> int:
    """How many of the newest orders of an instrument went this way, up to the first that did not.

    Args:
        newest_first: instrument and side of each.
    """
    count = 0
    for symbol, way in newest_first:
        if symbol == instrument and way != side.value:
            break
        count += symbol == instrument
    return count


def _worth(holding: Holding, mids: Mapping[str, Decimal]) -> Decimal:
    if not holding.quantity:
        return ZERO  # A future that has expired may not be listed any more.
    price = mids.get(holding.instrument, holding.entry_price)
    return find_instrument(holding.instrument).notional(holding.quantity, price)


def _limit_worth(flying: Flying) -> Decimal:
    return find_instrument(flying.instrument).notional(flying.quantity, flying.limit_price)


def _open_profit(holding: Holding, mids: Mapping[str, Decimal]) -> Decimal:
    mid = mids.get(holding.instrument)
    if mid is None:
        return ZERO
    return find_instrument(holding.instrument).delta(holding.quantity) * (mid - holding.entry_price)


def _lost(day: TradingDay, holdings: Sequence[Holding], mids: Mapping[str, Decimal]) -> Decimal:
    # A day that nobody has marked yet opens now.
    if day.opening_pnl is None:
        return ZERO
    return day.opening_pnl - profit(
        (item for item in holdings if item.strategy_uid == day.strategy_uid), mids
    )


def _last_lost(day: TradingDay) -> Decimal:
    return ZERO if day.opening_pnl is None or day.pnl is None else day.opening_pnl - day.pnl
