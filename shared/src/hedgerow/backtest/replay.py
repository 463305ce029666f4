"""One strategy on recorded prices: risk's own step and `decide`, bar after bar. Pure.

Orders fill whole at the bar's touch, as in mode Shadow, and pay the taker's fee. Within a bar the touch stands still;
the strategy decides again at its own wake-up times until it has nothing to do before the next bar.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from hedgerow.backtest.desk import Desk, quote_at, touch_at
from hedgerow.backtest.holding import Holding
from hedgerow.backtest.market import Market, Moment
from hedgerow.backtest.scenario import BacktestError, Scenario
from hedgerow.domain.loans import cash_listing
from hedgerow.domain.money import BPS, ZERO, exact_decimal
from hedgerow.execution.intents import Ticker
from hedgerow.execution.virtual import reaches, touch_of
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge, NewIntent
from hedgerow.hedging.loan_to_value import ltv_of
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, PolicyState
from hedgerow.hedging.standing import state_of
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.records import (
    BookInput,
    MarkInput,
    RiskInput,
    ScoreInput,
    StrategyInput,
    StrategyPublished,
)
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compile import revision_of
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue, Leg, Style

UID = "00000000-0000-0000-0000-000000000000"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything stands once the strategy has acted at the end of a bar. Money in quote currency.

    Attributes:
        mark: mid of the first leg.
        unhedged: profit of the strategy's books since the start; price: of its hedge, before what it cost.
        fees, funding: paid so far; funding below zero is earned.
        exposure, hedge: notional of both at the marks; state: the word that `hedgerow get` would show.
        ltv: None without a loan.
    """

    time_ns: int
    mark: Decimal
    unhedged: Decimal
    price: Decimal
    fees: Decimal
    funding: Decimal
    exposure: Decimal
    hedge: Decimal
    state: str
    ltv: Decimal | None

    @property
    def hedged(self) -> Decimal:
        return self.unhedged + self.price - self.fees - self.funding


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order that filled. `quantity`: signed, in contracts; `notional`: in quote currency."""

    time_ns: int
    instrument: str
    quantity: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy did.

    Attributes:
        decisions: those that the ledger would have committed; unfilled: orders whose limit did not reach the touch.
        transitions: changes of the state that it shows, also those within a bar.
    """

    strategy: CompiledStrategy
    steps: tuple[Step, ...]
    orders: tuple[Order, ...]
    decisions: int
    unfilled: int
    transitions: int


def replay(
    strategy: CompiledStrategy, venues: Iterable[CompiledVenue], scenario: Scenario, market: Market
) -> Replay:
    """Play a strategy through the market.

    Raises:
        BacktestError: the scenario lacks what the strategy reads, or bars cannot show how its orders fill.
    """
    require_playable(strategy, scenario)
    moments = market.moments()
    start = next(moments)
    run = _Run(strategy, venues, scenario, market, start)
    run.act(start)
    for moment in moments:
        run.step(moment)
    return run.result()


def require_playable(strategy: CompiledStrategy, scenario: Scenario) -> None:
    """
    Raises:
        BacktestError: as `replay`.
    """
    books = scenario.books.keys() | scenario.loans.keys() | {item.book for item in scenario.clients}
    lacking = [f"book {item.book}" for item in strategy.exposure if item.book not in books]
    lacking += [f"account {item.venue}" for item in strategy.accounts]
    lacking += [f"bars of {symbol}" for symbol in sorted(_symbols(strategy, scenario) - scenario.bars.keys())]
    lacking += [
        f"score of {asset}" for asset in sorted(strategy.scored - {item.asset for item in scenario.scores})
    ]
    if lacking:
        raise BacktestError(f"{strategy.key} reads what the scenario does not have: {', '.join(lacking)}")
    if strategy.execution.style is Style.ESCALATION:
        raise BacktestError(
            f"{strategy.key} has the style Escalation, whose orders wait in a book that bars do not show; "
            "use Clips or Twap"
        )


def _symbols(strategy: CompiledStrategy, scenario: Scenario) -> set[str]:
    """What a price is needed of: the legs, what the books hold and clients trade, collateral and debts in coins."""
    books = {item.book for item in strategy.exposure}
    found = {leg.instrument.symbol for leg in strategy.hedge_with}
    found |= {symbol for name in books for symbol in scenario.books.get(name, {})}
    found |= {item.instrument for item in scenario.clients if item.book in books}
    assets = [item.asset for item in strategy.loan_to_value.haircuts] if strategy.loan_to_value else []
    assets += [item.asset for name in books for item in scenario.loans.get(name, ())]
    return found | {symbol for asset in assets if (symbol := cash_listing(asset)) is not None}


class _Run:
    def __init__(
        self,
        strategy: CompiledStrategy,
        venues: Iterable[CompiledVenue],
        scenario: Scenario,
        market: Market,
        start: Moment,
    ) -> None:
        self._strategy, self._scenario, self._market = strategy, scenario, market
        self._symbols = sorted(_symbols(strategy, scenario))
        self._books = frozenset(item.book for item in strategy.exposure)
        self._desk = Desk(scenario, self._books, start)
        self._hedges = {leg.index: Holding(leg.instrument) for leg in strategy.hedge_with}
        self._funding = ZERO
        self._settled_ns = start.time_ns
        self._risk = PartitionRisk()
        self._inputs = 0
        self._state = ""
        self._steps: list[Step] = []
        self._orders: list[Order] = []
        self._unfilled = self._transitions = 0
        self._ledger = LedgerSnapshot(
            strategy_uid=UID,
            version=0,
            generation=1,
            config=strategy,
            policy_state=PolicyState(),
            positions=(),
            open_intents=(),
            halts=(),
            read_ns=start.time_ns,
            gross_limits={venue.key: venue.max_gross_notional for venue in venues},
        )
        published = StrategyPublished(
            uid=UID,
            generation=1,
            revision=revision_of(strategy),
            published_ns=start.time_ns,
            config=strategy,
        )
        self._tell(StrategyInput(strategy=strategy.key, routed_ns=start.time_ns, published=published))

    def step(self, moment: Moment) -> None:
        """Funding is paid on what was held, then clients trade, then the strategy acts."""
        self._pay_funding(moment)
        self._desk.until(moment)
        self.act(moment)

    def act(self, moment: Moment) -> None:
        """Decide and fill until nothing is left to do before the next bar."""
        now_ns = moment.time_ns
        while True:
            risk = self._observe(moment, now_ns)
            self._ledger = msgspec.structs.replace(self._ledger, read_ns=now_ns)
            decision = decide(risk, self._ledger)
            self._show(state_of(decision, self._ledger.policy_state))
            if isinstance(decision, Hedge):
                self._carry_out(decision, moment)
            elif decision.wake_ns is not None and now_ns < decision.wake_ns < moment.until_ns:
                now_ns = decision.wake_ns
            else:
                break
        self._steps.append(self._standing(moment, risk))

    def result(self) -> Replay:
        return Replay(
            strategy=self._strategy,
            steps=tuple(self._steps),
            orders=tuple(self._orders),
            decisions=self._ledger.version,
            unfilled=self._unfilled,
            transitions=self._transitions,
        )

    def _show(self, state: str | None) -> None:
        if state is None or state == self._state:
            return
        self._transitions += self._state != ""
        self._state = state

    def _observe(self, moment: Moment, now_ns: int) -> RiskState:
        """Everything that the router would have told by now."""
        name, depth_usd = self._strategy.key, self._scenario.depth_usd
        state: RiskState | None = None
        for symbol in self._symbols:
            quote = quote_at(moment, symbol, now_ns, depth_usd, self._market.funding.get(symbol))
            state = self._tell(MarkInput(strategy=name, routed_ns=now_ns, quote=quote))
        for book in sorted(self._books):
            state = self._tell(BookInput(strategy=name, routed_ns=now_ns, book=self._desk.book(book, now_ns)))
        for asset in sorted(self._strategy.scored):
            score = self._desk.score(asset, now_ns)
            state = self._tell(ScoreInput(strategy=name, routed_ns=now_ns, score=score))
        assert state is not None, "a strategy has a leg, and its quote was told"
        return state

    def _tell(self, record: RiskInput) -> RiskState | None:
        self._inputs += 1
        return self._risk.apply(record, self._inputs)

    def _carry_out(self, decision: Hedge, moment: Moment) -> None:
        for intent in decision.intents:
            self._fill(intent, moment)
        self._ledger = msgspec.structs.replace(
            self._ledger,
            version=self._ledger.version + 1,
            policy_state=decision.policy_state,
            positions=tuple(self._held(leg) for leg in self._strategy.hedge_with),
        )

    def _fill(self, intent: NewIntent, moment: Moment) -> None:
        touch = touch_at(moment, intent.instrument)
        ticker = Ticker(bid=touch.bid, ask=touch.ask, time_ns=moment.time_ns)
        if not reaches(intent.side, intent.limit_price, ticker):
            self._unfilled += 1
            return
        price = touch_of(intent.side, ticker)
        holding = self._hedges[intent.leg]
        notional = holding.instrument.notional(intent.quantity, price)
        fee = notional * self._scenario.taker_fee_bps / BPS
        holding.trade(intent.side, intent.quantity, price, moment.time_ns, fee)
        self._orders.append(
            Order(
                time_ns=self._ledger.read_ns,
                instrument=intent.instrument,
                quantity=intent.side.sign * intent.quantity,
                price=price,
                notional=notional,
                fee=fee,
            )
        )

    def _pay_funding(self, moment: Moment) -> None:
        """At the marks of the moment: longs pay a rate above zero."""
        for holding in self._hedges.values():
            history = self._market.funding.get(holding.instrument.symbol)
            delta = holding.instrument.delta(holding.position.quantity)
            for paid in history.paid(self._settled_ns, moment.time_ns) if history is not None else ():
                mid = touch_at(moment, holding.instrument.symbol).mid
                self._funding += delta * mid * exact_decimal(paid.rate)
        self._settled_ns = moment.time_ns

    def _held(self, leg: Leg) -> HeldPosition:
        return HeldPosition(
            venue=leg.venue,
            account=leg.account,
            instrument=leg.instrument.symbol,
            quantity=self._hedges[leg.index].position.quantity,
        )

    def _standing(self, moment: Moment, risk: RiskState) -> Step:
        first = self._strategy.hedge_with[0].instrument.symbol
        mids = {symbol: touch_at(moment, symbol).mid for symbol in self._symbols}
        hedges: Sequence[Holding] = list(self._hedges.values())
        return Step(
            time_ns=moment.time_ns,
            mark=mids[first],
            unhedged=self._desk.profit(moment),
            price=sum((item.profit(mids[item.instrument.symbol]) for item in hedges), ZERO),
            fees=sum((item.position.fees for item in hedges), ZERO),
            funding=self._funding,
            exposure=sum((item.notional for item in risk.exposures), ZERO),
            hedge=sum(
                (
                    item.instrument.delta(item.position.quantity) * mids[item.instrument.symbol]
                    for item in hedges
                ),
                ZERO,
            ),
            state=self._state,
            ltv=None if risk.loan is None else ltv_of(risk.loan),
        )
