"""What the positions were entered at, and how volatile their underlying is: what an inventory policy asks for."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from hedgerow.analytics.ewma import Ewma, advance
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import ZERO, exact_decimal
from hedgerow.risk.holdings import Counted, counted_holdings
from hedgerow.risk.strategy_state import StrategyState
from hedgerow.schemas.records import Quote
from hedgerow.schemas.risk_state import Inventory, Volatility
from hedgerow.strategy.compiled import CompiledStrategy, InventoryRisk


class _Held(msgspec.Struct, frozen=True):
    source: Counted
    symbol: str
    quantity: Decimal


def inventories_of(state: StrategyState) -> tuple[Inventory, ...]:
    """Of each underlying with an inventory policy; one with a position that has no valid mark is left out."""
    rules = state.published.config.inventory_risks
    found = (_inventory(state, underlying) for underlying in sorted(rule.underlying for rule in rules))
    return tuple(item for item in found if item is not None)


def volatilities_of(state: StrategyState) -> tuple[Volatility, ...]:
    """Of each underlying with an inventory policy, as far as its marks tell by now."""
    config = state.published.config
    found = []
    for underlying in sorted(rule.underlying for rule in config.inventory_risks):
        known = state.volatilities.get(config.mark_symbol(underlying) or "")
        if known is not None and known.bars:
            found.append(Volatility(underlying=underlying, annualised=known.annualised, bars=known.bars))
    return tuple(found)


def watch_volatility(state: StrategyState, quote: Quote) -> None:
    """Let a quote move the averages that it belongs to. One that is not valid is no price; the next one spans it."""
    rule = _rule_of(state.published.config, quote)
    if rule is None or not quote.valid:
        return
    known: Ewma | None = state.volatilities.get(quote.instrument)
    state.volatilities[quote.instrument] = advance(
        known, quote.mid, quote.time_ns, rule.volatility_bar_ns, rule.volatility_half_life_ns
    )


def _rule_of(config: CompiledStrategy, quote: Quote) -> InventoryRisk | None:
    for rule in config.inventory_risks:
        if config.mark_symbol(rule.underlying) == quote.instrument:
            return rule
    return None


def _inventory(state: StrategyState, underlying: str) -> Inventory | None:
    cost, profit, since_ns, unknown = ZERO, ZERO, [], []
    for held in _held(state, underlying):
        quote = state.quotes.get(held.symbol)
        if quote is None or not quote.valid:
            return None
        entry = held.source.entries.get(held.symbol)
        if entry is None:
            unknown.append(f"{held.symbol} of {held.source.input}")
            continue
        delta = LISTINGS[held.symbol].delta(held.quantity)
        cost += abs(delta) * entry.price
        profit += delta * (exact_decimal(quote.mid) - entry.price)
        since_ns.append(entry.since_ns)
    return Inventory(
        underlying=underlying,
        cost=cost,
        profit=profit,
        since_ns=min(since_ns, default=None),
        unknown=tuple(unknown),
    )


def _held(state: StrategyState, underlying: str) -> Iterator[_Held]:
    for source in counted_holdings(state):
        for symbol, quantity in sorted(source.holdings.items()):
            if quantity and symbol in LISTINGS and LISTINGS[symbol].underlying == underlying:
                yield _Held(source, symbol, quantity)
