"""Why an input cannot be relied on, with the numbers in words."""

from collections.abc import Iterator

from hedgerow.domain.age import age_problem
from hedgerow.domain.instruments import LISTINGS
from hedgerow.risk.holdings import counted_holdings, seen_account
from hedgerow.risk.loan import loan_problems, loan_quotes
from hedgerow.risk.strategy_state import StrategyState
from hedgerow.schemas.problem_codes import INVALID, MISSING, STALE, UNKNOWN
from hedgerow.schemas.records import Quote
from hedgerow.schemas.risk_state import InputProblem
from hedgerow.strategy.compiled import CompiledStrategy

# Of fewer the average says little; until then an inventory policy waits.
MIN_BARS = 10


def find_problems(state: StrategyState, now_ns: int) -> tuple[InputProblem, ...]:
    """Everything that keeps the strategy from being ready, sorted by input.

    Declared inputs are the books and accounts of `exposure`, the instruments of `hedgeWith`, the instruments of every
    position that is not zero and whose underlying is hedged or collateral, the scores that the policy reads, the loan
    and the quotes that it is valued at, and enough marks where it asks for their volatility; others are no concern of
    this strategy.
    """
    config = state.published.config
    found = [
        *_book_problems(state, config, now_ns),
        *_account_problems(state, config, now_ns),
        *_position_problems(state),
        *_quote_problems(state, config, now_ns),
        *_score_problems(state, config, now_ns),
        *_volatility_problems(state, config),
        *_leg_problems(config),
        *loan_problems(state),
    ]
    return tuple(sorted(found, key=lambda problem: (problem.input, problem.code, problem.detail)))


def _book_problems(state: StrategyState, config: CompiledStrategy, now_ns: int) -> Iterator[InputProblem]:
    for source in config.exposure:
        book = state.books.get(source.book)
        name = f"book:{source.book}"
        if book is None:
            yield InputProblem(input=name, code=MISSING, detail="not seen yet")
        else:
            yield from _stale(name, book.published_ns, now_ns, config.freshness.book_ns)


def _account_problems(state: StrategyState, config: CompiledStrategy, now_ns: int) -> Iterator[InputProblem]:
    for source in config.accounts:
        account = seen_account(state, source)
        name = f"account:{source.venue}"
        if account is None:
            yield InputProblem(input=name, code=MISSING, detail=f"{source.account} not seen yet")
        else:
            assert config.freshness.account_ns is not None
            yield from _stale(name, account.time_ns, now_ns, config.freshness.account_ns)


def _position_problems(state: StrategyState) -> Iterator[InputProblem]:
    for source in counted_holdings(state):
        for symbol in source.holdings:
            if symbol not in LISTINGS:
                detail = f"holds {symbol}; listed are {', '.join(sorted(LISTINGS))}"
                yield InputProblem(input=source.input, code=UNKNOWN, detail=detail)


def _quote_problems(state: StrategyState, config: CompiledStrategy, now_ns: int) -> Iterator[InputProblem]:
    held = {
        symbol
        for source in counted_holdings(state)
        for symbol, quantity in source.holdings.items()
        if quantity != 0 and symbol in LISTINGS and LISTINGS[symbol].underlying in config.priced
    }
    legs = {leg.instrument.symbol for leg in config.hedge_with}
    for symbol in held | legs | loan_quotes(state):
        name = f"quote:{symbol}"
        quote: Quote | None = state.quotes.get(symbol)
        if quote is None:
            yield InputProblem(input=name, code=MISSING, detail="not seen yet")
            continue
        if not quote.valid:
            yield InputProblem(input=name, code=INVALID, detail=quote.reason or "no reason given")
        yield from _stale(name, quote.time_ns, now_ns, config.freshness.quote_ns)


def _score_problems(state: StrategyState, config: CompiledStrategy, now_ns: int) -> Iterator[InputProblem]:
    for asset in config.scored:
        score = state.scores.get(asset)
        name = f"score:{asset}"
        if score is None:
            yield InputProblem(input=name, code=MISSING, detail="not seen yet")
        else:
            assert config.freshness.score_ns is not None
            yield from _stale(name, score.time_ns, now_ns, config.freshness.score_ns)


def _volatility_problems(state: StrategyState, config: CompiledStrategy) -> Iterator[InputProblem]:
    """An underlying without a leg has no mark, which the legs' own problem says."""
    for rule in config.inventory_risks:
        symbol = config.mark_symbol(rule.underlying)
        known = state.volatilities.get(symbol or "")
        bars = 0 if known is None else known.bars
        if symbol is not None and bars < MIN_BARS:
            detail = f"{bars} of {MIN_BARS} bars of {rule.volatility_bar_ns / 1e9:g} s were seen"
            yield InputProblem(input=f"volatility:{rule.underlying}", code=MISSING, detail=detail)


def _leg_problems(config: CompiledStrategy) -> Iterator[InputProblem]:
    hedged = {leg.instrument.underlying for leg in config.hedge_with}
    for underlying in config.underlyings - hedged:
        detail = f"no instrument of hedgeWith has the underlying {underlying}, so there is no mark for it"
        yield InputProblem(input=f"band:{underlying}", code=UNKNOWN, detail=detail)


def _stale(name: str, time_ns: int, now_ns: int, limit_ns: int) -> Iterator[InputProblem]:
    detail = age_problem(time_ns, now_ns, limit_ns)
    if detail is not None:
        yield InputProblem(input=name, code=STALE, detail=detail)
