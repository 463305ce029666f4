"""A loan at the marks: what is owed, with interest up to now, and what covers it. Pure.

The debt is that of the one source which the policy names, a book of loans or an account. What covers it is every asset
with a haircut that is held as itself, not by contract, in the declared books of positions, and in the accounts as far
as their wallet and pledged collateral count.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from hedgerow.domain.accounts import AccountPart
from hedgerow.domain.currencies import at_par
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.loans import cash_listing
from hedgerow.domain.money import ZERO, exact_decimal
from hedgerow.risk.holdings import seen_account
from hedgerow.risk.strategy_state import StrategyState
from hedgerow.schemas.problem_codes import INVALID, UNKNOWN
from hedgerow.schemas.records import AccountState, BookKind, ClientBook
from hedgerow.schemas.risk_state import Collateral, Debt, InputProblem, LoanStanding
from hedgerow.strategy.compiled import AccountSource, CompiledStrategy

# Principal and interest, in units of what is owed.
_Owed = tuple[Decimal, Decimal]


def loan_of(state: StrategyState, now_ns: int) -> LoanStanding | None:
    """The loan that the policy watches; None without one, and while its source or one of its prices is missing."""
    owed, covering = _owed(state, now_ns), _covering(state)
    ladder = state.published.config.loan_to_value
    if ladder is None or owed is None:
        return None
    haircuts = {item.asset: item.haircut for item in ladder.haircuts}
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
            Collateral(
                asset=asset, quantity=quantity, price=known[asset], haircut=haircuts.get(asset, Decimal(1))
            )
            for asset, quantity in sorted(covering.items())
        ),
    )


def loan_problems(state: StrategyState) -> Iterator[InputProblem]:
    """Why the policy's loan cannot be valued, beyond what is wrong with its sources and quotes as such."""
    config, told = state.published.config, _debt_source(state)
    if config.loan_to_value is None or told is None:
        return
    name = f"book:{told.name}" if isinstance(told, ClientBook) else f"account:{told.venue}"
    if isinstance(told, ClientBook) and told.kind is not BookKind.LOANS:
        detail = "holds positions, and policy.loanToValue.debt asks for a book of loans"
        yield InputProblem(input=name, code=INVALID, detail=detail)
        return
    for asset in sorted(_priced_assets(state) - _listings_followed(config).keys()):
        detail = (
            f"owes {asset}, whose price is not followed; give it a haircut in policy.loanToValue.haircuts"
        )
        yield InputProblem(input=name, code=UNKNOWN, detail=detail)


def loan_quotes(state: StrategyState) -> frozenset[str]:
    """The instruments at whose quotes the policy's loan is valued, whatever of its sources counts as exposure."""
    listings = _listings_followed(state.published.config)
    return frozenset(listings[asset] for asset in _priced_assets(state) & listings.keys())


def _listings_followed(config: CompiledStrategy) -> dict[str, str]:
    """By asset, what marks it; an index that is hedged has a price, and is nothing that can be owed."""
    named = ((asset, cash_listing(asset)) for asset in config.priced)
    return {asset: symbol for asset, symbol in named if symbol is not None}


def _priced_assets(state: StrategyState) -> frozenset[str]:
    """What is owed and what covers it, but for money at par."""
    told = _debt_source(state)
    if told is None:
        return frozenset()
    owes = {item.asset for item in (told.loans if isinstance(told, ClientBook) else told.debts)}
    currency = state.published.config.currency
    return frozenset(asset for asset in owes | _covering(state).keys() if not at_par(asset, currency))


def _debt_source(state: StrategyState) -> ClientBook | AccountState | None:
    """The newest state of the source that the policy names; None while it was not seen, and without a policy."""
    config = state.published.config
    if config.loan_to_value is None:
        return None
    name = config.loan_to_value.debt
    for book in config.exposure:
        if book.name == name:
            return state.books.get(book.book)
    return next((seen_account(state, item) for item in config.accounts if item.name == name), None)


def _owed(state: StrategyState, now_ns: int) -> dict[str, _Owed] | None:
    """By asset; None while nobody tells. An account is polled every few seconds, so its interest is that of now."""
    told = _debt_source(state)
    if told is None:
        return None
    if isinstance(told, AccountState):
        return {item.asset: (item.principal, item.interest) for item in told.debts}
    if told.kind is not BookKind.LOANS:
        return None
    found: dict[str, _Owed] = {}
    for loan in told.loans:
        principal, interest = found.get(loan.asset, (ZERO, ZERO))
        accrued = loan.interest_at(now_ns, told.as_of_ns)
        found[loan.asset] = (principal + loan.principal, interest + accrued)
    return found


def _covering(state: StrategyState) -> dict[str, Decimal]:
    """Units of each asset with a haircut, and of each that there is less than none of: that is a debt."""
    config = state.published.config
    if config.loan_to_value is None:
        return {}
    haircuts = {item.asset for item in config.loan_to_value.haircuts}
    found: dict[str, Decimal] = {}
    for assets in _held(state):
        for asset, quantity in assets.items():
            found[asset] = found.get(asset, ZERO) + quantity
    return {asset: units for asset, units in found.items() if units < 0 or (units and asset in haircuts)}


def _held(state: StrategyState) -> Iterator[Mapping[str, Decimal]]:
    """Units of each asset that is held as itself, source by source."""
    config = state.published.config
    for source in config.exposure:
        book = state.books.get(source.book)
        if book is not None and book.kind is BookKind.POSITIONS:
            yield _assets_in(book.positions)
    for declared in config.accounts:
        account = seen_account(state, declared)
        if account is not None:
            yield from _assets_of(account, declared, config)


def _assets_in(positions: Mapping[str, Decimal]) -> dict[str, Decimal]:
    listings = ((LISTINGS[symbol], quantity) for symbol, quantity in positions.items() if symbol in LISTINGS)
    return {item.base: quantity for item, quantity in listings if cash_listing(item.base) == item.symbol}


def _assets_of(
    account: AccountState, source: AccountSource, config: CompiledStrategy
) -> Iterator[Mapping[str, Decimal]]:
    """What the strategy hedges with on the account is its hedge, and no collateral."""
    if AccountPart.COLLATERAL in source.count:
        yield account.collateral
    if AccountPart.SPOT in source.count:
        own = config.hedged_on(source.venue)
        yield {asset: units for asset, units in account.wallet.items() if cash_listing(asset) not in own}


def _price(asset: str, state: StrategyState) -> Decimal | None:
    """Of one unit, in the strategy's currency; None while its quote is missing or invalid."""
    if at_par(asset, state.published.config.currency):
        return Decimal(1)
    quote = state.quotes.get(cash_listing(asset) or "")
    return exact_decimal(quote.mid) if quote is not None and quote.valid else None
