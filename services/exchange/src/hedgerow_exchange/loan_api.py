"""Bybit's paths for flexible crypto loans: borrow, repay, move collateral, and what is owed and pledged now.

Bybit pays loans to the funding wallet and takes collateral from it; here an account has one wallet for everything.
"""

from decimal import Decimal
from typing import Any

from hedgerow.domain.money import ZERO, plain
from hedgerow_exchange import params
from hedgerow_exchange.accounts import MONEY, Account
from hedgerow_exchange.calls import Answer, Call
from hedgerow_exchange.dialect import Row, shown
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.loans import HOURLY_RATE, INITIAL_LTV, Debt, Loans, borrow, charged, pledge, repay
from hedgerow_exchange.orders import Outcome
from hedgerow_exchange.refusals import Reason, Refused
from hedgerow_exchange.wallet import usd_price


def borrow_flexible(call: Call, account: Account) -> Answer:
    coin, amount = _coin(call, "loanCurrency"), params.decimal(call.params, "loanAmount")
    pledged = _pledged(call)
    for name, units in pledged.items():
        _require_available(call.engine, account, name, units)
    after = borrow(account.loans, coin, amount, pledged, call.now_ns)
    _require_cover(call.engine, after)
    return _changed(call, after, {"orderId": str(after.number)})


def repay_flexible(call: Call, account: Account) -> Answer:
    coin, amount = _coin(call, "loanCurrency"), params.decimal(call.params, "amount")
    after = repay(account.loans, coin, amount, call.now_ns)
    _require_available(call.engine, account, coin, amount)
    return _changed(call, after, {"repayId": str(after.number)})


def adjust_ltv(call: Call, account: Account) -> Answer:
    coin, amount = _coin(call, "currency"), params.decimal(call.params, "amount")
    direction = params.text(call.params, "direction")
    if direction not in ("0", "1"):
        raise params.bad(f"direction {direction!r} should be 0 to add collateral or 1 to reduce it")
    adds = direction == "0"
    if adds:
        _require_available(call.engine, account, coin, amount)
    after = pledge(account.loans, coin, amount if adds else -amount, call.now_ns)
    if not adds:
        _require_cover(call.engine, after)
    return _changed(call, after, {"adjustId": after.number})


def flexible_loans(call: Call, account: Account) -> Answer:
    wanted = params.text(call.params, "loanCurrency")
    debts = charged(account.loans, call.now_ns).debts
    rows = [_debt_row(coin, debt) for coin, debt in debts.items() if wanted in ("", coin)]
    return Answer(result={"list": rows})


def loan_position(call: Call, account: Account) -> Answer:
    engine, loans = call.engine, charged(account.loans, call.now_ns)
    debt, collateral = _debt_usd(engine, loans), _collateral_usd(engine, loans)
    return Answer(
        result={
            "borrowList": [_borrowed_row(engine, coin, debt.owed) for coin, debt in loans.debts.items()],
            "collateralList": [_pledged_row(engine, coin, units) for coin, units in loans.collateral.items()],
            # Bybit has no word for debt without collateral; nor has a ratio.
            "ltv": shown(debt / collateral) if collateral else "" if debt else "0",
            "supplyList": [],
            "totalCollateral": shown(collateral),
            "totalDebt": shown(debt),
            "totalSupply": "0",
        }
    )


def _changed(call: Call, after: Loans, result: Row) -> Answer:
    call.engine.set_loans(after)
    return Answer(result=result, outcome=Outcome(time_ns=call.now_ns, orders=(), loans=after))


def _debt_row(coin: str, debt: Debt) -> Row:
    return {
        "hourlyInterestRate": plain(HOURLY_RATE),
        "loanCurrency": coin,
        "totalDebt": plain(debt.owed),
        "unpaidAmount": plain(debt.principal),
        "unpaidInterest": plain(debt.interest),
    }


def _borrowed_row(engine: Engine, coin: str, owed: Decimal) -> Row:
    return {
        "fixedTotalDebt": "0",
        "fixedTotalDebtUSD": "0",
        "flexibleHourlyInterestRate": plain(HOURLY_RATE),
        "flexibleTotalDebt": plain(owed),
        "flexibleTotalDebtUSD": shown(owed * usd_price(engine, coin)),
        "loanCurrency": coin,
    }


def _pledged_row(engine: Engine, coin: str, units: Decimal) -> Row:
    return {"amount": plain(units), "amountUSD": shown(units * usd_price(engine, coin)), "currency": coin}


def _pledged(call: Call) -> dict[str, Decimal]:
    """What a loan brings along as collateral, by coin."""
    given: Any = call.params.get("collateralList", [])
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise params.bad("collateralList should be a list of objects with currency and amount")
    found: dict[str, Decimal] = {}
    for item in given:
        coin = _known(call.engine, params.text(item, "currency"), "currency")
        found[coin] = found.get(coin, ZERO) + params.decimal(item, "amount")
    return found


def _coin(call: Call, name: str) -> str:
    return _known(call.engine, params.text(call.params, name), name)


def _known(engine: Engine, coin: str, name: str) -> str:
    spot = {
        item.instrument.base for item in engine.listings.values() if item.is_spot and not item.is_lendable
    }
    if coin not in spot | set(MONEY):
        raise params.bad(f"{name} {coin!r} should be one of {', '.join(sorted(spot | set(MONEY)))}")
    return coin


def _require_available(engine: Engine, account: Account, coin: str, amount: Decimal) -> None:
    available = account.available(coin, engine.listings, engine.mark)
    if amount > available:
        raise Refused(
            Reason.INSUFFICIENT_BALANCE,
            f"balance not enough: {plain(amount)} {coin} needed, {plain(available)} available",
            spot=True,
        )


def _require_cover(engine: Engine, loans: Loans) -> None:
    """
    Raises:
        Refused: the debt would be more than the largest share of the collateral that may be borrowed.
    """
    debt, collateral = _debt_usd(engine, loans), _collateral_usd(engine, loans)
    worthless = [coin for coin in loans.debts if not usd_price(engine, coin)]
    if worthless:
        raise params.bad(f"{worthless[0]} has no price yet; try again when it trades")
    if debt > collateral * INITIAL_LTV:
        raise params.bad(
            f"a debt of {shown(debt)} USD is more than {plain(INITIAL_LTV)} of the collateral's {shown(collateral)} USD"
        )


def _debt_usd(engine: Engine, loans: Loans) -> Decimal:
    return sum((debt.owed * usd_price(engine, coin) for coin, debt in loans.debts.items()), ZERO)


def _collateral_usd(engine: Engine, loans: Loans) -> Decimal:
    return sum((units * usd_price(engine, coin) for coin, units in loans.collateral.items()), ZERO)
