"""A strategy, its venue and a market, as small as they can be: what tests of deciding and of the ledger begin with."""

import uuid
from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.desk.client_orders import ClientOrder, ClientOrderState, OrderType
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.execution.claim_facts import Ceilings, Claimable, ClaimFacts, Funds, OtherAccount, VenueView
from hedgerow.execution.intents import Intent, Ticker, VenueFill, VenueOrder
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, PolicyState
from hedgerow.schemas.records import Score
from hedgerow.schemas.risk_state import (
    Collateral,
    Debt,
    Exposure,
    Inventory,
    LoanStanding,
    Mark,
    RiskState,
    Volatility,
)
from hedgerow.strategy.compiled import (
    Band,
    BandUnit,
    BookSource,
    CompiledStrategy,
    CompiledVenue,
    Execution,
    Freshness,
    Haircut,
    InventoryRisk,
    Knot,
    Leg,
    Limits,
    LoanToValue,
    LtvStep,
    LtvTarget,
    Mode,
    Reevaluation,
    SentimentCurve,
    UnknownEntry,
)

SECOND_NS = 1_000_000_000
NOW_NS = 1_900_000_000 * SECOND_NS
UID = "6f1a2b3c-4d5e-4f60-8172-8394a5b6c7d8"
SYMBOL = "BTC/USDT:USDT"
VENUE = "desk/paper"
ACCOUNT = "hedge-01"
PERPETUAL = LISTINGS[SYMBOL]


def leg(index: int = 0, venue: str = VENUE, account: str = ACCOUNT) -> Leg:
    return Leg(index=index, venue=venue, account=account, instrument=PERPETUAL)


def band(lower: str = "-1", upper: str = "1", unit: BandUnit = BandUnit.UNDERLYING) -> Band:
    return Band(underlying="BTC", lower=Decimal(lower), upper=Decimal(upper), unit=unit)


def curve(
    *knots: tuple[str, str], maximum: str = "1", no_trade_notional: str = "0", underlying: str = "BTC"
) -> SentimentCurve:
    """Without knots, hedge-engine's: 5 % at score 0, 25 % at 0.3, 75 % at 0.7, all at 1."""
    declared = knots or (("0", "0.05"), ("0.3", "0.25"), ("0.7", "0.75"), ("1", "1"))
    return SentimentCurve(
        underlying=underlying,
        knots=tuple(
            Knot(score=Decimal(score), hedge_fraction=Decimal(fraction)) for score, fraction in declared
        ),
        max_hedge_fraction=Decimal(maximum),
        no_trade_notional=Decimal(no_trade_notional),
    )


def by_score(declared: SentimentCurve | None = None, **changes: Any) -> CompiledStrategy:
    """As `strategy`, hedged along a curve instead of within a band; scores may be 3 s old."""
    freshness = Freshness(quote_ns=3 * SECOND_NS, book_ns=15 * SECOND_NS, score_ns=3 * SECOND_NS)
    declared = declared or curve()
    return strategy(**{"bands": (), "sentiment_curves": (declared,), "freshness": freshness, **changes})


def ladder(**changes: Any) -> LoanToValue:
    """30 % from an LTV of 0.65, 70 % from 0.8, all from 0.9; left 0.005 below and after 30 s at the earliest."""
    base = LoanToValue(
        debt="loans",
        haircuts=(Haircut(asset="BTC", haircut=Decimal("0.95")),),
        normal=LtvTarget(hedge_fraction=Decimal(0)),
        caution=ltv_step("0.65", "0.3"),
        danger=ltv_step("0.80", "0.7"),
        critical=ltv_step("0.90", "1"),
        hysteresis=Decimal("0.005"),
        min_dwell_ns=30 * SECOND_NS,
    )
    return msgspec.structs.replace(base, **changes)


def ltv_step(ltv: str, hedge_fraction: str | None = None, target_delta: str | None = None) -> LtvStep:
    target = LtvTarget(
        hedge_fraction=None if hedge_fraction is None else Decimal(hedge_fraction),
        target_delta=None if target_delta is None else Decimal(target_delta),
    )
    return LtvStep(ltv=Decimal(ltv), target=target)


def by_ltv(declared: LoanToValue | None = None, **changes: Any) -> CompiledStrategy:
    """As `strategy`, hedged along the LTV ladder; collateral in the book `clients`, loans in the book `loans`."""
    exposure = (BookSource(name="clients", book="clients"), BookSource(name="loans", book="loans"))
    return strategy(**{"bands": (), "exposure": exposure, "loan_to_value": declared or ladder(), **changes})


def loan(ltv: str = "0.5", collateral: str = "100000") -> LoanStanding:
    """Money owed against BTC, at an LTV; `collateral` is what it counts for after the haircut."""
    price, haircut, worth = Decimal("60000.1"), Decimal("0.95"), Decimal(collateral)
    debt = Decimal(ltv) * worth
    return LoanStanding(
        debts=(Debt(asset="USDT", quantity=debt, interest=Decimal(0), price=Decimal(1)),),
        covers=(Collateral(asset="BTC", quantity=worth / haircut / price, price=price, haircut=haircut),),
    )


def score(value: float = 0.7, asset: str = "BTC", time_ns: int = NOW_NS) -> Score:
    return Score(asset=asset, sequence=time_ns, time_ns=time_ns, score=value)


def inventory_rule(**changes: Any) -> InventoryRisk:
    """Full at 5 % lost, 8 h old, a volatility of 100 % a year and half of the depth; a zone of nothing."""
    base = InventoryRisk(
        underlying="BTC",
        max_loss=Decimal("0.05"),
        max_age_ns=8 * 3600 * SECOND_NS,
        max_volatility=Decimal(1),
        max_depth_share=Decimal("0.5"),
        volatility_bar_ns=60 * SECOND_NS,
        volatility_half_life_ns=1800 * SECOND_NS,
        hysteresis=Decimal(3),
        max_cost_bps=Decimal(50),
        no_trade_notional=Decimal(0),
        on_unknown_entry=UnknownEntry.HOLD,
        reevaluation=Reevaluation(
            reduce_ns=900 * SECOND_NS,
            partial_ns=300 * SECOND_NS,
            full_ns=60 * SECOND_NS,
            liquidate_ns=30 * SECOND_NS,
        ),
    )
    return msgspec.structs.replace(base, **changes)


def by_risk(rule: InventoryRisk | None = None, **changes: Any) -> CompiledStrategy:
    """As `strategy`, hedged by the risk of its inventory instead of within a band."""
    return strategy(**{"bands": (), "inventory_risks": (rule or inventory_rule(),), **changes})


def inventory(loss: float = 0.0, age_s: int = 0, **changes: Any) -> Inventory:
    """Bought for 100,000 and worth less by that fraction; `changes` replaces whole fields."""
    cost = Decimal(100_000)
    base = Inventory(
        underlying="BTC",
        cost=cost,
        profit=-cost * Decimal(repr(loss)),
        since_ns=NOW_NS - age_s * SECOND_NS,
    )
    return msgspec.structs.replace(base, **changes)


def volatility(annualised: float = 0.0, underlying: str = "BTC") -> Volatility:
    return Volatility(underlying=underlying, annualised=annualised, bars=100)


def strategy(**changes: Any) -> CompiledStrategy:
    """Hold BTC within ±1, in clips of 50,000; `changes` replaces whole fields."""
    base = CompiledStrategy(
        namespace="desk",
        name="btc",
        mode=Mode.PAPER,
        suspend=False,
        currency="USD",
        exposure=(BookSource(name="clients", book="clients"),),
        hedge_with=(leg(),),
        bands=(band(),),
        freshness=Freshness(quote_ns=3 * SECOND_NS, book_ns=15 * SECOND_NS),
        execution=Execution(
            clip_notional=Decimal(50_000),
            time_in_force=TimeInForce.IOC,
            max_slippage_bps=Decimal(10),
            cooldown_ns=2 * SECOND_NS,
            unknown_deadline_ns=60 * SECOND_NS,
        ),
        limits=Limits(
            max_order_notional=Decimal(50_000),
            max_position_notional=Decimal(1_000_000),
            max_orders_per_minute=30,
            price_collar_bps=Decimal(100),
        ),
    )
    return msgspec.structs.replace(base, **changes)


def execution(**changes: Any) -> Execution:
    return msgspec.structs.replace(strategy().execution, **changes)


def limits(**changes: Any) -> Limits:
    return msgspec.structs.replace(strategy().limits, **changes)


def venue(**changes: Any) -> CompiledVenue:
    namespace, name = VENUE.split("/")
    base = CompiledVenue(
        namespace=namespace,
        name=name,
        type="Builtin",
        environment="Paper",
        trading_enabled=True,
        account=ACCOUNT,
        max_gross_notional=Decimal(5_000_000),
        orders_per_second=5,
    )
    return msgspec.structs.replace(base, **changes)


def mark(**changes: Any) -> Mark:
    """BTC/USDT:USDT at 60,000 bid, 60,000.2 ask, seen now."""
    base = Mark(
        instrument=SYMBOL,
        bid=Decimal("60000.0"),
        ask=Decimal("60000.2"),
        mid=Decimal("60000.1"),
        time_ns=NOW_NS,
        sequence=1,
        valid=True,
    )
    return msgspec.structs.replace(base, **changes)


def risk(delta: str = "0", **changes: Any) -> RiskState:
    """Ready, fresh, generation 1, with an unhedged delta in BTC."""
    price = Decimal("60000.1")
    base = RiskState(
        strategy="desk/btc",
        uid=UID,
        generation=1,
        revision="r1",
        sequence=7,
        time_ns=NOW_NS,
        cause="book:clients:3",
        ready=True,
        problems=(),
        exposures=(
            Exposure(underlying="BTC", delta=Decimal(delta), mark=price, notional=Decimal(delta) * price),
        ),
        marks=(mark(),),
    )
    return msgspec.structs.replace(base, **changes)


def snapshot(held: str = "0", **changes: Any) -> LedgerSnapshot:
    """Version 0 of generation 1, nothing open, never decided, with a hedge of `held` contracts."""
    base = LedgerSnapshot(
        strategy_uid=UID,
        version=0,
        generation=1,
        config=strategy(),
        policy_state=PolicyState(),
        positions=(HeldPosition(venue=VENUE, account=ACCOUNT, instrument=SYMBOL, quantity=Decimal(held)),),
        open_intents=(),
        halts=(),
        read_ns=NOW_NS,
    )
    return msgspec.structs.replace(base, **changes)


def ticker(bid: str = "60000.0", ask: str = "60000.2", time_ns: int = NOW_NS) -> Ticker:
    return Ticker(bid=Decimal(bid), ask=Decimal(ask), time_ns=time_ns)


def seen(touch: Ticker) -> VenueView:
    """The venue shows this touch of the perpetual and of the coin, and would liquidate nothing."""
    return VenueView(
        opened=venue().prices, tickers={SYMBOL: touch, "BTC/USDT": touch}, funds=funds(time_ns=touch.time_ns)
    )


def funds(available: str = "1000000", time_ns: int = NOW_NS) -> Funds:
    return Funds(available=Decimal(available), leverage={SYMBOL: Decimal(10)}, time_ns=time_ns)


def other_order(**changes: Any) -> Claimable:
    """Of the same decision, still to go: 0.5 at 60,000, so that it asks for a margin of 3,000."""
    base = Claimable(
        id=2,
        state=IntentState.DECIDED,
        venue=VENUE,
        account=ACCOUNT,
        instrument=SYMBOL,
        side=Side.SELL,
        quantity=Decimal("0.5"),
        limit_price=Decimal(60_000),
        position=Decimal(0),
    )
    return msgspec.structs.replace(base, **changes)


def other_account(available: str = "1000000", *claimed: Claimable, time_ns: int = NOW_NS) -> OtherAccount:
    """The account hedge-02, as its executor wrote of it."""
    return OtherAccount(
        venue=VENUE, account="hedge-02", funds=funds(available, time_ns), claimed_since_funds=claimed
    )


def intent(**changes: Any) -> Intent:
    """Sell 0.5 at 59,940, decided now under generation 1."""
    base = Intent(
        id=1,
        strategy_uid=UID,
        strategy="desk/btc",
        generation=1,
        decision=1,
        leg=0,
        mode=Mode.PAPER,
        venue=VENUE,
        account=ACCOUNT,
        instrument=SYMBOL,
        side=Side.SELL,
        quantity=Decimal("0.5"),
        limit_price=Decimal("59940.0"),
        time_in_force=TimeInForce.IOC,
        state=IntentState.DECIDED,
        filled_quantity=Decimal(0),
        decided_ns=NOW_NS,
    )
    return msgspec.structs.replace(base, **changes)


def claim_facts(**changes: Any) -> ClaimFacts:
    """A sell of 0.5 at 59,940 against a touch of 60,000 / 60,000.2, flat, everything well within its limits."""
    base = ClaimFacts(
        intent=intent(),
        instrument=PERPETUAL,
        config=strategy(),
        generation=1,
        venue=venue(),
        ceilings=Ceilings(),
        halts=(),
        ticker=ticker(),
        opened="bybit Paper",
        market_problem=None,
        position=Decimal(0),
        at_venue=Decimal(0),
        account_gross_notional=Decimal(0),
        turnover_today=Decimal(0),
        loss_today=Decimal(0),
        account_loss_today=Decimal(0),
        unmarked=(),
        liquidation_price=None,
        funds=funds(),
        companions=(),
        claimed_since_funds=(),
        other_accounts=(),
        orders_last_minute=0,
        repeated_orders=0,
        orders_last_second=0,
        now_ns=NOW_NS,
    )
    return msgspec.structs.replace(base, **changes)


def fill(execution_id: str, quantity: str, price: str = "60000.0", fee: str = "0.1") -> VenueFill:
    return VenueFill(
        execution_id=execution_id,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        time_ns=NOW_NS,
    )


def order(state: IntentState, filled: str = "0", reason: str = "") -> VenueOrder:
    return VenueOrder(
        client_order_id="hr-00000000-1",
        venue_order_id="v-1",
        state=state,
        filled_quantity=Decimal(filled),
        reason=reason,
    )


def client_order(**changes: Any) -> ClientOrder:
    """Alice's, to buy half a coin at 60,000 or wait; `changes` replaces whole fields."""
    order = ClientOrder(
        id=str(uuid.uuid4()),
        owner="alice",
        client_order_id=None,
        client_id="acme",
        instrument="BTC/USDT",
        side=Side.BUY,
        quantity=Decimal("0.5"),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(60_000),
        state=ClientOrderState.ACCEPTED,
        rested=True,
        created_ns=1,
    )
    return msgspec.structs.replace(order, **changes)
