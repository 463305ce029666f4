"""The reply to `/v5/account/wallet-balance`: a unified account's coins and their value in USD."""

from collections.abc import Callable
from decimal import Decimal

from hedgerow.domain.instruments import InstrumentKind
from hedgerow.domain.money import ZERO, plain
from hedgerow_exchange.accounts import WALLET_COIN, Account, Mark
from hedgerow_exchange.dialect import Row, shown
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.listings import Listing

_Amount = Callable[[Listing, Mark], Decimal]


def wallet_row(engine: Engine, account: Account, coin: str) -> Row:
    """One account's wallet; one coin, or all that it holds when `coin` is empty. USDT counts as one USD."""
    coins = [_coin_row(engine, account, name) for name in account.coins if not coin or name == coin]
    wallet = sum((account.coins[name] * _usd(engine, name) for name in account.coins), ZERO)
    unrealised = _sum_of_contracts(engine, account, WALLET_COIN, account.unrealised)
    margin = _sum_of_contracts(engine, account, WALLET_COIN, account.initial_margin)
    held = account.held(WALLET_COIN, InstrumentKind.LINEAR_PERPETUAL, engine.listings)
    return {
        "accountType": "UNIFIED",
        "totalEquity": shown(wallet + unrealised),
        "totalWalletBalance": shown(wallet),
        "totalMarginBalance": shown(wallet + unrealised),
        "totalAvailableBalance": shown(account.available(WALLET_COIN, engine.listings, engine.mark)),
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
        "usdValue": shown((balance + unrealised) * _usd(engine, coin)),
        "walletBalance": shown(balance),
        "locked": shown(account.held(coin, InstrumentKind.SPOT, engine.listings)),
        "totalOrderIM": shown(account.held(coin, InstrumentKind.LINEAR_PERPETUAL, engine.listings)),
        "totalPositionIM": shown(_sum_of_contracts(engine, account, coin, account.initial_margin)),
        "totalPositionMM": "",
        "unrealisedPnl": shown(unrealised),
        "cumRealisedPnl": shown(realised),
        "availableToWithdraw": "",
        "borrowAmount": plain(ZERO),
        "accruedInterest": plain(ZERO),
        "bonus": plain(ZERO),
    }


def _sum_of_contracts(engine: Engine, account: Account, coin: str, amount: _Amount) -> Decimal:
    listings: list[Listing] = [engine.listings[symbol] for symbol in account.positions]
    return sum((amount(item, engine.mark) for item in listings if item.instrument.settle == coin), ZERO)


def _usd(engine: Engine, coin: str) -> Decimal:
    """The mark of the coin's spot pair; a coin that has none yet counts as worthless."""
    if coin == WALLET_COIN:
        return Decimal(1)
    for symbol, listing in engine.listings.items():
        instrument = listing.instrument
        if listing.kind is InstrumentKind.SPOT and (instrument.base, instrument.quote) == (coin, WALLET_COIN):
            return engine.mark(symbol) or ZERO
    return ZERO
