"""The whole of a venue account through the released ccxt client, by questions alone.

Amounts are taken from the venue's own text, never through a float. Loans are Bybit's crypto loans, which ccxt reaches
by implicit calls only.
"""

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import msgspec

from hedgerow.adapters.ccxt_client import Place, open_client
from hedgerow.adapters.venue import VenueUnavailable, VenueUnfit
from hedgerow.domain.accounts import AccountDebt, AccountPosition
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import ZERO, exact_decimal, parse_decimal

HOURS_A_YEAR = Decimal(24 * 365)


class AccountUnreadable(ValueError):
    """The venue answered with something that cannot be read; the message says what."""


class AccountReading(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll found; the fields are those of `AccountState`."""

    wallet: dict[str, Decimal]
    collateral: dict[str, Decimal]
    debts: tuple[AccountDebt, ...]
    positions: tuple[AccountPosition, ...]


class CcxtAccount:
    """One unified account on one ccxt exchange (Bybit's v5 dialect), seen with a key that cannot trade."""

    def __init__(
        self, exchange_id: str, url: str | None, api_key: str, secret: str, environment: str = "Paper"
    ) -> None:
        """
        Args:
            url: where the exchange is, when it is not the public one.
            environment: of the Venue: Paper, Testnet or Mainnet.

        Raises:
            VenueUnfit: its hosts are not those of the environment.
        """
        place = Place(exchange=exchange_id, url=url, environment=environment)
        self._address = place.name
        self._client: Any = open_client(ccxt, place, api_key, secret)

    async def start(self) -> None:
        """
        Raises:
            VenueUnavailable: the venue did not answer.
            VenueUnfit: the key may trade.
        """
        try:
            await self._client.load_markets()
            await self._client.load_time_difference()
            key = (await self._client.private_get_v5_user_query_api())["result"]
        except ccxt.BaseError as error:
            raise self._unavailable(error) from error
        if str(key["readOnly"]) != "1":
            raise VenueUnfit(
                f"{self._address}: the key may trade, and whoever collects accounts must not "
                "be able to; make a key that can only read"
            )

    async def read(self) -> AccountReading:
        """Everything at once, so that little changes between one answer and the next.

        Raises:
            VenueUnavailable: the venue did not answer one of the questions: nothing is told then.
            AccountUnreadable: an answer is not what it should be.
        """
        settled_in = {market["settle"] for market in self._client.markets.values() if market["linear"]}
        try:
            wallet, position, flexible, *contracts = await asyncio.gather(
                self._client.private_get_v5_account_wallet_balance({"accountType": "UNIFIED"}),
                self._client.private_get_v5_crypto_loan_common_position(),
                self._client.private_get_v5_crypto_loan_flexible_ongoing_coin(),
                *(
                    self._client.fetch_positions(params={"category": "linear", "settleCoin": coin})
                    for coin in sorted(settled_in)
                ),
            )
        except ccxt.BaseError as error:
            raise self._unavailable(error) from error
        try:
            return AccountReading(
                wallet=_wallet(wallet["result"]["list"]),
                collateral=_units(position["result"]["collateralList"], "currency", "amount"),
                debts=debts_of(flexible["result"]["list"], position["result"]["borrowList"]),
                positions=tuple(
                    self._position(item) for found in contracts for item in found if item["contracts"]
                ),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AccountUnreadable(
                f"{self._address} answered with something unknown: {type(error).__name__}: {error}"
            ) from error

    async def close(self) -> None:
        await self._client.close()

    def _position(self, position: Mapping[str, Any]) -> AccountPosition:
        symbol, row = position["symbol"], position["info"]
        size = _number(row["size"])
        listed = LISTINGS.get(symbol)
        if listed is not None:
            theirs = exact_decimal(float(self._client.market(symbol)["contractSize"] or 1))
            size = size * theirs / listed.contract_size
        return AccountPosition(
            instrument=symbol,
            quantity=size if row["side"] == "Buy" else -size,
            entry_price=_number(row["avgPrice"]),
            mark_price=_number_if(row["markPrice"]),
            unrealised_pnl=_number(row["unrealisedPnl"]),
            liquidation_price=_number_if(row["liqPrice"]),
            initial_margin=_number_if(row["positionIM"]),
            maintenance_margin=_number_if(row["positionMM"]),
        )

    def _unavailable(self, error: Exception) -> VenueUnavailable:
        return VenueUnavailable(
            f"the venue at {self._address} did not answer: {type(error).__name__}: {error}"
        )


def _wallet(accounts: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    (account,) = accounts
    return _units(account["coin"], "coin", "walletBalance")


def _units(rows: Iterable[Mapping[str, Any]], name: str, amount: str) -> dict[str, Decimal]:
    found = {str(row[name]): _number(row[amount]) for row in rows}
    return {asset: units for asset, units in found.items() if units}


def debts_of(
    flexible: Iterable[Mapping[str, Any]], borrowed: Iterable[Mapping[str, Any]]
) -> tuple[AccountDebt, ...]:
    """By asset. Of fixed loans Bybit tells principal and interest as one sum here: it stands as principal, without a
    rate."""
    fixed = _units(borrowed, "loanCurrency", "fixedTotalDebt")
    found = {
        str(row["loanCurrency"]): AccountDebt(
            asset=str(row["loanCurrency"]),
            principal=_number(row["unpaidAmount"]),
            interest=_number(row["unpaidInterest"]),
            annual_rate=_number(row["hourlyInterestRate"]) * HOURS_A_YEAR,
        )
        for row in flexible
    }
    for asset, owed in fixed.items():
        known = found.get(asset, AccountDebt(asset=asset, principal=ZERO, interest=ZERO, annual_rate=ZERO))
        found[asset] = msgspec.structs.replace(known, principal=known.principal + owed)
    return tuple(found[asset] for asset in sorted(found))


def _number(text: Any) -> Decimal:
    """
    Raises:
        ValueError: it is no finite number.
    """
    return parse_decimal(str(text))


def _number_if(text: Any) -> Decimal | None:
    return _number(text) if text not in (None, "") else None
