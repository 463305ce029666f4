"""A loan at the marks: what is owed, with interest up to now, and what covers it. Pure.

The debt is that of the one source which the policy names. What covers it is every asset with a haircut that is held as
itself, not by contract, in the other declared books.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from hedgerow.domain.currencies import at_par
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.loans import cash_listing
from hedgerow.domain.money import ZERO, exact_decimal
from hedgerow.risk.problem_codes import INVALID, UNKNOWN
from hedgerow.risk.strategy_state import StrategyState, declared_books
from hedgerow.schemas.records import BookKind, ClientBook, Collateral, Debt, InputProblem, LoanStanding
from hedgerow.strategy.compiled import CompiledStrategy


def loan_of(state: StrategyState, now_ns: int) -> LoanStanding | None:
    """The loan that the policy watches; None without one, and while its book or one of its prices is missing."""
    config = state.published.config
    ladder = config.loan_to_value
    told = _debt_book(state)
    if ladder is None or told is None or told.kind is not BookKind.LOANS:
        return None
    owed, held = _owed(told, now_ns), _held(state)
    haircuts = {item.asset: item.haircut for item in ladder.haircuts}
    covering = {asset: quantity for asset, quantity in held.items() if asset in haircuts}
    prices = {asset: _price(asset, state) for asset in owed.keys() | covering.keys()}
    known = {asset: price for asset, price in prices.items() if price is not None}
    if known.keys() != prices.keys():
        return None
    return LoanStanding(
        debts=tuple(
            Debt(asset=asset, quantity=principal + interest, interest=interest, price=known[asset])
            for asset, (principal, interest) in sorted(owed.items())
        ),
        covers=tuple(
            Collateral(asset=asset, quantity=quantity, price=known[asset], haircut=haircuts[asset])
            for asset, quantity in sorted(covering.items())
        ),
    )


def loan_problems(state: StrategyState) -> Iterator[InputProblem]:
    """Why the policy's loan cannot be valued, beyond what is wrong with its book and quotes as such."""
    config, told = state.published.config, _debt_book(state)
    if config.loan_to_value is None or told is None:
        return
    if told.kind is not BookKind.LOANS:
        detail = "holds positions, and policy.loanToValue.debt asks for a book of loans"
        yield InputProblem(input=f"book:{told.name}", code=INVALID, detail=detail)
    for asset in sorted({loan.asset for loan in told.loans}):
        if not at_par(asset, config.currency) and asset not in config.priced:
            detail = (
                f"owes {asset}, whose price is not followed; give it a haircut in policy.loanToValue.haircuts"
            )
            yield InputProblem(input=f"book:{told.name}", code=UNKNOWN, detail=detail)


def _debt_book(state: StrategyState) -> ClientBook | None:
    name = _debt_book_name(state.published.config)
    return None if name is None else state.books.get(name)


def _debt_book_name(config: CompiledStrategy) -> str | None:
    ladder = config.loan_to_value
    if ladder is None:
        return None
    return next((source.book for source in config.exposure if source.name == ladder.debt), None)


def _owed(book: ClientBook, now_ns: int) -> dict[str, tuple[Decimal, Decimal]]:
    """Principal and interest by asset, in units of it."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for loan in book.loans:
        principal, interest = found.get(loan.asset, (ZERO, ZERO))
        accrued = loan.interest_at(now_ns, book.as_of_ns)
        found[loan.asset] = (principal + loan.principal, interest + accrued)
    return found


def _held(state: StrategyState) -> dict[str, Decimal]:
    """Units of each asset that is held as itself."""
    return _by_asset(
        item
        for book in declared_books(state)
        if book.kind is BookKind.POSITIONS
        for item in book.positions.items()
    )


def _by_asset(holdings: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for symbol, quantity in holdings:
        listing = LISTINGS.get(symbol)
        if quantity != 0 and listing is not None and cash_listing(listing.base) == symbol:
            found[listing.base] = found.get(listing.base, ZERO) + quantity
    return found


def _price(asset: str, state: StrategyState) -> Decimal | None:
    """Of one unit, in the strategy's currency; None while its quote is missing or invalid."""
    if at_par(asset, state.published.config.currency):
        return Decimal(1)
    quote = state.quotes.get(cash_listing(asset) or "")
    return exact_decimal(quote.mid) if quote is not None and quote.valid else None
