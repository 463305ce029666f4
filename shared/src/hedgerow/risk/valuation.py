"""What is held, in delta and at marks, before any hedge."""

from decimal import Decimal

from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import ZERO, exact_decimal
from hedgerow.risk.holdings import counted_holdings
from hedgerow.risk.strategy_state import StrategyState
from hedgerow.schemas.records import Quote
from hedgerow.schemas.risk_state import Exposure, Mark
from hedgerow.strategy.compiled import CompiledStrategy


def marks_of(state: StrategyState) -> tuple[Mark, ...]:
    """Every mark that is known, valid or not, by instrument."""
    return tuple(_mark(state.quotes[symbol]) for symbol in sorted(state.quotes))


def exposures_of(state: StrategyState) -> tuple[Exposure, ...]:
    """The unhedged delta of each underlying that the policy hedges and that has a mark.

    The mark of an underlying is the mid of the first instrument of `hedgeWith` on it. An underlying without a valid
    one is left out; the problems say so.
    """
    config = state.published.config
    found = []
    for underlying in sorted(config.underlyings):
        mark = _mark_of_underlying(state, config, underlying)
        if mark is not None:
            delta = _delta(state, underlying)
            found.append(Exposure(underlying=underlying, delta=delta, mark=mark, notional=delta * mark))
    return tuple(found)


def _delta(state: StrategyState, underlying: str) -> Decimal:
    return sum(
        (
            LISTINGS[symbol].delta(quantity)
            for source in counted_holdings(state)
            for symbol, quantity in source.holdings.items()
            if symbol in LISTINGS and LISTINGS[symbol].underlying == underlying
        ),
        ZERO,
    )


def _mark_of_underlying(state: StrategyState, config: CompiledStrategy, underlying: str) -> Decimal | None:
    for leg in config.hedge_with:
        if leg.instrument.underlying == underlying:
            quote = state.quotes.get(leg.instrument.symbol)
            return exact_decimal(quote.mid) if quote is not None and quote.valid else None
    return None


def _mark(quote: Quote) -> Mark:
    return Mark(
        instrument=quote.instrument,
        bid=exact_decimal(quote.bid),
        ask=exact_decimal(quote.ask),
        mid=exact_decimal(quote.mid),
        time_ns=quote.time_ns,
        sequence=quote.sequence,
        valid=quote.valid,
        reason=quote.reason,
        depth_usd=quote.bid_depth_usd + quote.ask_depth_usd,
        depth_bps=quote.depth_bps,
        funding=quote.funding,
    )
