"""The reply to `/v5/account/wallet-balance`: a unified account's coins and their value in USD."""

from collections.abc import Callable
from decimal import Decimal

from hedgerow.domain.money import ZERO, plain
from hedgerow_exchange.accounts import MONEY, Account, Mark
from hedgerow_exchange.dialect import Row, shown
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.listings import Listing

_Amount = Callable[[Listing, Mark], Decimal]


def wallet_row(engine: Engine, account: Account, coin: str) -> Row:
    """One account's wallet; one coin, or all that it holds when `coin` is empty. USDT counts as one USD.

    Borrowed shares are a negative balance, as Bybit shows what spot margin trading borrowed.
    """
    coins = [_coin_row(engine, account, name) for name in account.coins if not coin or name == coin]
    wallet = sum((account.coins[name] * usd_price(engine, name) for name in account.coins), ZERO)
    unrealised = sum((_sum_of_contracts(engine, account, money, account.unrealised) for money in MONEY), ZERO)
    margin = sum((_sum_of_contracts(engine, account, money, account.initial_margin) for money in MONEY), ZERO)
    held = sum((account.held(money, False, engine.listings) for money in MONEY), ZERO)
    available = sum((account.available(money, engine.listings, engine.mark) for money in MONEY), ZERO)
    return {
        "accountType": "UNIFIED",
        "totalEquity": shown(wallet + unrealised),
        "totalWalletBalance": shown(wallet),
        "totalMarginBalance": shown(wallet + unrealised),
        "totalAvailableBalance": shown(available),
        "totalPerpUPL": shown(unrealised),
        "totalInitialMargin": shown(margin + held),
        "totalMaintenanceMargin": "",
        "accountIMRate": "",
        "accountMMRate": "",
        "accountLTV": "",
        "coin": coins,
    }


def _coin_row(engine: Engine, account: Account, coin: str) -> Row:
    balance = account.coins[coin]
    unrealised = _sum_of_contracts(engine, account, coin, account.unrealised)
    realised = sum(
        (
            position.realised_pnl - position.fees
            for symbol, position in account.positions.items()
            if engine.listings[symbol].instrument.settle == coin
        ),
        ZERO,
    )
    return {
        "coin": coin,
        "equity": shown(balance + unrealised),
        "usdValue": shown((balance + unrealised) * usd_price(engine, coin)),
        "walletBalance": shown(balance),
        "locked": shown(account.held(coin, True, engine.listings)),
        "totalOrderIM": shown(account.held(coin, False, engine.listings)),
        "totalPositionIM": shown(_sum_of_contracts(engine, account, coin, account.initial_margin)),
        "totalPositionMM": "",
        "unrealisedPnl": shown(unrealised),
        "cumRealisedPnl": shown(realised),
        "availableToWithdraw": "",
        "borrowAmount": plain(max(ZERO, -balance)),
        "accruedInterest": plain(ZERO),
        "bonus": plain(ZERO),
    }


def _sum_of_contracts(engine: Engine, account: Account, coin: str, amount: _Amount) -> Decimal:
    listings: list[Listing] = [engine.listings[symbol] for symbol in account.positions]
    return sum((amount(item, engine.mark) for item in listings if item.instrument.settle == coin), ZERO)


def usd_price(engine: Engine, coin: str) -> Decimal:
    """The mark of the coin's or share's spot pair; one that has none yet counts as worthless."""
    if coin in MONEY:
        return Decimal(1)
    for symbol, listing in engine.listings.items():
        if listing.is_spot and listing.instrument.base == coin:
            return engine.mark(symbol) or ZERO
    return ZERO
