"""What must be true of a venue connection before an order may go through it. Pure; each check returns what is wrong."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import plain


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue says of the account behind a key.

    Attributes:
        account: the venue's own id of it.
        can_trade: whether the key may place orders.
        margin_mode: Cross, Isolated, Portfolio, or the venue's own word.
        hedge_mode: instruments that are in hedge (two-way) position mode.
    """

    account: str
    can_trade: bool
    margin_mode: str
    hedge_mode: tuple[str, ...] = ()


def account_problems(facts: AccountFacts, expected_account: str | None) -> list[str]:
    """Why the account cannot be traded on; empty when it can.

    Args:
        expected_account: the venue's id of the account that was traded on before; None before the first time.
    """
    problems = []
    if expected_account not in (None, facts.account):
        problems.append(f"the key is of account {facts.account}, and account {expected_account} is traded on")
    if not facts.can_trade:
        problems.append("the key may not place orders: give it the trade permission for contracts")
    if facts.margin_mode != "Cross":
        problems.append(f"the account's margin mode is {facts.margin_mode}: set it to Cross")
    if facts.hedge_mode:
        problems.append(
            f"the position mode of {', '.join(facts.hedge_mode)} is Hedge (two-way): set it to OneWay, or a sale would "
            "open a second position instead of closing the first"
        )
    return problems


def hosts_of(addresses: Any) -> frozenset[str]:
    """Every host in a client library's table of addresses, however deeply it is nested."""
    if isinstance(addresses, str):
        host = urlsplit(addresses).hostname
        return frozenset() if host is None else frozenset({host})
    values: Iterable[Any] = addresses.values() if isinstance(addresses, Mapping) else ()
    return frozenset(host for value in values for host in hosts_of(value))


def host_problems(
    environment: str, used: frozenset[str], mainnet: frozenset[str], testnet: frozenset[str]
) -> list[str]:
    """Why a connection's hosts do not fit its Venue's environment; empty when they do.

    Args:
        used: every host that the connection may talk to.
        mainnet, testnet: every host that the venue has for real, and for play, money.
    """
    if not used:
        return ["the connection has no address"]
    if mainnet & testnet and environment != "Paper":
        shared = ", ".join(sorted(mainnet & testnet))
        return [
            f"the venue has one host for real and for play money ({shared}): it cannot be told which one it is"
        ]
    real, play = used & mainnet, used & testnet
    problems = []
    if environment != "Mainnet" and real:
        problems.append(f"environment {environment} would talk to the mainnet's {', '.join(sorted(real))}")
    if environment != "Testnet" and play:
        problems.append(f"environment {environment} would talk to the testnet's {', '.join(sorted(play))}")
    own = {"Mainnet": mainnet, "Testnet": testnet}.get(environment)
    strange = used - own if own is not None else frozenset()
    if strange - real - play:
        problems.append(f"{', '.join(sorted(strange - real - play))} is no host of the venue's {environment}")
    return problems


class MarketRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue says of one of its markets, quantities in its own contracts; None where it does not tell.

    Attributes:
        active: whether it is traded now.
        contract_size: units of the underlying in one of its contracts; 1 in spot.
        tick_size, min_notional: in quote currency; lot_size, min_quantity: in contracts.
    """

    active: bool
    contract_size: Decimal
    tick_size: Decimal | None
    lot_size: Decimal | None
    min_quantity: Decimal | None
    min_notional: Decimal | None


def market_problems(instrument: Instrument, rules: MarketRules | None) -> list[str]:
    """Where a venue's market is not as it is listed here; empty when every order that fits one fits the other.

    Args:
        rules: None where the venue has no such market.
    """
    symbol = instrument.symbol
    if rules is None:
        return [f"the venue does not list {symbol}"]
    if not rules.active:
        return [f"{symbol} is listed at the venue and not traded now"]
    if instrument.contract_size % rules.contract_size != 0:
        return [
            f"a contract of {symbol} is {plain(instrument.contract_size)} {instrument.base} here and "
            f"{plain(rules.contract_size)} at the venue: ours is no whole number of theirs"
        ]
    ours = instrument.contract_size / rules.contract_size
    compared = (
        ("tick", instrument.tick_size, rules.tick_size, instrument.quote),
        ("lot", instrument.lot_size * ours, rules.lot_size, "of the venue's contracts"),
        ("smallest order", instrument.min_quantity * ours, rules.min_quantity, "of the venue's contracts"),
        ("smallest notional", instrument.min_notional, rules.min_notional, instrument.quote),
    )
    return [
        f"the {what} of {symbol} is {plain(here)} {unit} here and "
        f"{'not told by the venue' if there is None else f'{plain(there)} at the venue'}"
        for what, here, there, unit in compared
        if there != here
    ]
