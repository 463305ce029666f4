"""Crypto loans on the exchange: what is drawn, pledged, charged and paid back, and what the journal makes of it.

Invariants:
    I1: coins + collateral - what is owed changes by the interest alone: loans make and lose nothing.
    I2: interest over many hours is the same, however often it was looked at in between.
    I3: the journaled outcomes give the same account again.
    I4: what was refused changed nothing.
"""

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_exchange.accounts import OPENING_BALANCE
from hedgerow_exchange.api import PRIVATE
from hedgerow_exchange.calls import Call
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.listings import paper_listings
from hedgerow_exchange.loans import HOUR_NS, HOURLY_RATE, Debt, Loans, charged
from hedgerow_exchange.maker import Maker
from hedgerow_exchange.orders import Outcome
from hedgerow_exchange.refusals import Refused

NOW = 1_790_000_000_000_000_000
BORROW = ("POST", "/v5/crypto-loan-flexible/borrow")
REPAY = ("POST", "/v5/crypto-loan-flexible/repay")
ADJUST = ("POST", "/v5/crypto-loan-common/adjust-ltv")
POSITION = ("GET", "/v5/crypto-loan-common/position")
FLEXIBLE = ("GET", "/v5/crypto-loan-flexible/ongoing-coin")


def engine(bitcoins: str = "0") -> Engine:
    """BTC at 60,000, and an account that holds some beside its tethers."""
    made = Engine(paper_listings(), ["one"], "0badcafe")
    for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
        Maker(made.listings[symbol], made.books[symbol]).mirror(
            [(59_999.0, 100.0)], [(60_001.0, 100.0)], (None, None)
        )
    if D(bitcoins):
        made.accounts["one"].coins["BTC"] = D(bitcoins)
    return made


def ask(made: Engine, route: tuple[str, str], now_ns: int = NOW, **params: Any) -> Any:
    return tell(made, route, now_ns, **params)[0]


def tell(
    made: Engine, route: tuple[str, str], now_ns: int = NOW, **params: Any
) -> tuple[Any, Outcome | None]:
    answer = PRIVATE[route](Call(engine=made, params=params, now_ns=now_ns), made.accounts["one"])
    return answer.result, answer.outcome


def draw(made: Engine, amount: str = "60000", pledged: str = "2") -> Any:
    collateral = [{"currency": "BTC", "amount": pledged}]
    return ask(made, BORROW, loanCurrency="USDT", loanAmount=amount, collateralList=collateral)


def test_a_loan_pays_out_and_takes_the_collateral() -> None:
    made = engine("3")
    assert draw(made) == {"orderId": "1"}
    coins = made.accounts["one"].coins
    assert (coins["USDT"], coins["BTC"]) == (OPENING_BALANCE + 60_000, D(1))
    assert ask(made, FLEXIBLE) == {
        "list": [
            {
                "hourlyInterestRate": "0.00000685",
                "loanCurrency": "USDT",
                "totalDebt": "60000",
                "unpaidAmount": "60000",
                "unpaidInterest": "0",
            }
        ]
    }
    shown = ask(made, POSITION)
    assert shown["collateralList"] == [{"amount": "2", "amountUSD": "120000", "currency": "BTC"}]
    assert (shown["totalDebt"], shown["totalCollateral"], shown["ltv"]) == ("60000", "120000", "0.5")


def test_interest_is_charged_each_whole_hour_on_the_principal() -> None:
    made = engine("2")
    draw(made)
    a_moment_before = ask(made, FLEXIBLE, NOW + 10 * HOUR_NS - 1)["list"][0]
    ten_hours = ask(made, FLEXIBLE, NOW + 10 * HOUR_NS)["list"][0]
    assert (a_moment_before["unpaidInterest"], ten_hours["unpaidInterest"]) == ("3.699", "4.11")
    assert ten_hours["totalDebt"] == "60004.11"


def test_repaying_goes_to_the_interest_first() -> None:
    made = engine("2")
    draw(made)
    later = NOW + 10 * HOUR_NS
    ask(made, REPAY, later, loanCurrency="USDT", amount="4")
    ask(made, REPAY, later, loanCurrency="USDT", amount="10000.11")
    (row,) = ask(made, FLEXIBLE, later)["list"]
    assert (row["unpaidAmount"], row["unpaidInterest"]) == ("50000", "0")
    ask(made, REPAY, later, loanCurrency="USDT", amount="50000")
    assert ask(made, FLEXIBLE, later) == {"list": []}
    assert made.accounts["one"].coins["USDT"] == OPENING_BALANCE - D("4.11")
    assert ask(made, ADJUST, later, currency="BTC", amount="2", direction="1") == {"adjustId": 5}
    assert made.accounts["one"].coins["BTC"] == 2


@pytest.mark.parametrize(
    ("route", "params", "words"),
    [
        (BORROW, {"loanCurrency": "USDT", "loanAmount": "100000"}, "a debt of 160000 USD is more than 0.8"),
        (
            BORROW,
            {"loanCurrency": "DOGE", "loanAmount": "1"},
            "loanCurrency 'DOGE' should be one of BTC, ETH",
        ),
        (BORROW, {"loanCurrency": "USDT", "loanAmount": "-1"}, "should be a positive decimal number"),
        (BORROW, {"loanCurrency": "ETH", "loanAmount": "1"}, "ETH has no price yet"),
        (BORROW, {"loanCurrency": "USDT", "loanAmount": "1", "collateralList": "BTC"}, "should be a list"),
        (REPAY, {"loanCurrency": "USDT", "amount": "60001"}, "is above the 60000 USDT owed"),
        (REPAY, {"loanCurrency": "BTC", "amount": "1"}, "is above the 0 BTC owed"),
        (ADJUST, {"currency": "BTC", "amount": "1", "direction": "0"}, "1 BTC needed, 0 available"),
        (
            ADJUST,
            {"currency": "BTC", "amount": "1", "direction": "1"},
            "more than 0.8 of the collateral's 60000",
        ),
        (ADJUST, {"currency": "BTC", "amount": "3", "direction": "1"}, "is above the 2 BTC pledged"),
        (ADJUST, {"currency": "BTC", "amount": "1", "direction": "up"}, "direction 'up' should be 0"),
    ],
)
def test_what_the_loan_does_not_allow_is_refused_in_words(
    route: tuple[str, str], params: dict[str, Any], words: str
) -> None:
    """I4."""
    made = engine("2")
    draw(made)
    before = (made.accounts["one"].loans, dict(made.accounts["one"].coins))
    with pytest.raises(Refused, match=words):
        ask(made, route, **params)
    assert (made.accounts["one"].loans, made.accounts["one"].coins) == before


amounts = st.decimals(min_value="0.00000001", max_value="9999", places=8).map(lambda value: f"{value:f}")
commands = st.one_of(
    st.tuples(
        st.just(BORROW), st.fixed_dictionaries({"loanCurrency": st.just("USDT"), "loanAmount": amounts})
    ),
    st.tuples(st.just(REPAY), st.fixed_dictionaries({"loanCurrency": st.just("USDT"), "amount": amounts})),
    st.tuples(
        st.just(ADJUST),
        st.fixed_dictionaries(
            {
                "currency": st.sampled_from(["BTC", "USDT"]),
                "amount": amounts,
                "direction": st.sampled_from("01"),
            }
        ),
    ),
)


@given(steps=st.lists(st.tuples(commands, st.integers(0, 5 * HOUR_NS)), max_size=12))
def test_loans_make_and_lose_nothing(steps: list[tuple[tuple[tuple[str, str], dict[str, Any]], int]]) -> None:
    """I1 and I3."""
    made, again = engine("50"), engine("50")
    draw(made, "1000", "1")
    again.restore(Outcome(time_ns=NOW, orders=(), loans=made.accounts["one"].loans))
    now = NOW
    for (route, params), waited in steps:
        now += waited
        before = _worth(made, now)
        try:
            _, outcome = tell(made, route, now, **params)
        except Refused:
            outcome = None
        assert _worth(made, now) == before
        if outcome is not None:
            again.restore(outcome)
    assert again.accounts["one"].loans == made.accounts["one"].loans
    assert again.accounts["one"].coins == made.accounts["one"].coins


def _worth(made: Engine, now_ns: int) -> dict[str, D]:
    account = made.accounts["one"]
    loans = charged(account.loans, now_ns)
    owed = {coin: debt.owed for coin, debt in loans.debts.items()}
    return {
        coin: account.coins.get(coin, D(0)) + loans.collateral.get(coin, D(0)) - owed.get(coin, D(0))
        for coin in ("BTC", "USDT", "USD")
    }


@given(
    principal=st.decimals(min_value="0.00000001", max_value="1e9", places=8),
    looks=st.lists(st.integers(0, 30 * HOUR_NS), max_size=8),
)
def test_interest_does_not_depend_on_who_looks(principal: D, looks: list[int]) -> None:
    """I2."""
    drawn = Loans(account="one", debts={"USDT": Debt(principal=principal, interest=D(0), charged_ns=NOW)})
    looked, now = drawn, NOW
    for waited in looks:
        now += waited
        looked = charged(looked, now)
    assert looked.debts["USDT"].interest == charged(drawn, now).debts["USDT"].interest
    hours = (now - NOW) // HOUR_NS
    assert looked.debts["USDT"].interest >= hours * principal * HOURLY_RATE


def test_at_the_liquidation_price_the_equity_is_the_maintenance_margin() -> None:
    made = engine()
    account = made.accounts["one"]
    account.coins["USDT"] = D(7_000)
    for side, wanted in (("Buy", D(1)), ("Sell", D(-1))):
        sent = {"category": "linear", "symbol": "BTCUSDT", "side": side, "orderType": "Market", "qty": "1"}
        ask(made, ("POST", "/v5/order/create"), **sent)
        assert account.position("BTC/USDT:USDT").quantity == wanted
        (row,) = ask(made, ("GET", "/v5/position/list"), category="linear", symbol="BTCUSDT")["list"]
        listing = made.listings["BTC/USDT:USDT"]
        found = account.liquidation_price(listing, made.listings, made.mark)
        assert found is not None
        assert D(row["liqPrice"]) == pytest.approx(found)
        assert row["positionMM"] == "300"
        assert (found < 60_000) is (side == "Buy")

        def mark(symbol: str, price: D = found) -> D:
            return price

        equity = account.coins["USDT"] + account.unrealised(listing, mark)
        assert equity == pytest.approx(account.maintenance_margin(listing, mark))
        ask(made, ("POST", "/v5/order/create"), **sent | {"side": "Sell" if side == "Buy" else "Buy"})
