"""What counts towards a strategy's exposure: the holdings of its books and of its accounts, source by source."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import msgspec

from hedgerow.domain.accounts import AccountPart
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.loans import cash_holdings, owed_holdings
from hedgerow.domain.money import ZERO
from hedgerow.domain.positions import Entry
from hedgerow.risk.strategy_state import StrategyState
from hedgerow.schemas.records import AccountState
from hedgerow.strategy.compiled import AccountSource, CompiledStrategy


class Counted(msgspec.Struct, frozen=True):
    """One source that was seen. `input`: its name as problems tell it; `holdings`: signed quantity by instrument;
    `entries`: of those whose entry is known (an account tells a price, but not since when)."""

    input: str
    holdings: Mapping[str, Decimal]
    entries: Mapping[str, Entry] = {}


def counted_holdings(state: StrategyState) -> Iterator[Counted]:
    """Of every declared source that was seen, fresh or not."""
    config = state.published.config
    for source in config.exposure:
        book = state.books.get(source.book)
        if book is not None:
            yield Counted(f"book:{book.name}", book.holdings, book.entries)
    for declared in config.accounts:
        account = seen_account(state, declared)
        if account is not None:
            hedges = state.account_hedges.get(declared.venue, ())
            yield Counted(f"account:{declared.venue}", account_holdings(account, declared, config, hedges))


def seen_account(state: StrategyState, source: AccountSource) -> AccountState | None:
    """The newest state of the source's account; that of another account of its Venue is none."""
    found = state.accounts.get(source.venue)
    return found if found is not None and found.account == source.account else None


def account_holdings(
    account: AccountState, source: AccountSource, config: CompiledStrategy, hedges: Iterable[str]
) -> dict[str, Decimal]:
    """What of the account the source counts, by instrument.

    Left out: money that prices are in; coins, and contracts on underlyings that the policy does not hedge, that are not
    listed; and the instruments that strategies hedge with on that account, for they are hedges and counted as such. An
    unlisted contract on a hedged underlying stands under its own name.

    Args:
        hedges: those of any strategy; this one's own are known.
    """
    left_out = config.hedged_on(source.venue).union(hedges)
    found: dict[str, Decimal] = {}
    for part in source.count:
        for symbol, quantity in _holdings_of(part, account, config).items():
            if symbol not in left_out or part not in _WHERE_HEDGES_ARE:
                found[symbol] = found.get(symbol, ZERO) + quantity
    return found


# What is pledged or owed was never traded as a hedge.
_WHERE_HEDGES_ARE = (AccountPart.SPOT, AccountPart.DERIVATIVES)


def _holdings_of(part: AccountPart, account: AccountState, config: CompiledStrategy) -> dict[str, Decimal]:
    match part:
        case AccountPart.SPOT:
            return cash_holdings(account.wallet)
        case AccountPart.COLLATERAL:
            return cash_holdings(account.collateral)
        case AccountPart.LOANS:
            return {
                symbol: quantity
                for symbol, quantity in owed_holdings(account.debts).items()
                if _concerns(symbol, config)
            }
        case AccountPart.DERIVATIVES:
            return {
                position.instrument: position.quantity
                for position in account.positions
                if _concerns(position.instrument, config)
            }


def _concerns(symbol: str, config: CompiledStrategy) -> bool:
    return symbol in LISTINGS or symbol.partition("/")[0] in config.underlyings
