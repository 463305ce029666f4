"""The desk's own side of a backtest: its books, loans and scores, and what of them risk is told. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from hedgerow.backtest.draws import ClientTrade, client_trades, score_walk
from hedgerow.backtest.holding import Holding
from hedgerow.backtest.market import FundingHistory, Moment
from hedgerow.backtest.scenario import Clients, Scenario, ScoreWalk
from hedgerow.desk.filling import Touch as DeskTouch
from hedgerow.domain.instruments import LISTINGS, find_instrument
from hedgerow.domain.loans import Loan
from hedgerow.domain.money import ZERO, exact_decimal
from hedgerow.domain.orders import Side
from hedgerow.schemas.records import BookKind, ClientBook, Quote, Score

SECOND_NS = 1_000_000_000
DEPTH_BPS = 20.0


def touch_at(moment: Moment, symbol: str) -> DeskTouch:
    touch = moment.touches[symbol]
    return DeskTouch(bid=exact_decimal(touch.bid), ask=exact_decimal(touch.ask))


class Desk:
    """What these books hold from the start, and what clients add to it."""

    def __init__(self, scenario: Scenario, books: frozenset[str], start: Moment) -> None:
        self._scenario = scenario
        self._start_ns = start.time_ns
        self._books: dict[str, dict[str, Holding]] = {}
        for name in sorted(books & scenario.books.keys()):
            for symbol, quantity in scenario.books[name].items():
                if quantity:
                    side = Side.BUY if quantity > 0 else Side.SELL
                    mid = touch_at(start, symbol).mid
                    self._holding(name, symbol).trade(side, abs(quantity), mid, start.time_ns)
        self._clients = [
            _Flow(item, scenario.seed, start.time_ns) for item in scenario.clients if item.book in books
        ]
        self._scores = {item.asset: _Walk(item, scenario.seed, start.time_ns) for item in scenario.scores}

    def until(self, moment: Moment) -> None:
        """What clients and scores do up to this moment; clients trade at its touch."""
        for flow in self._clients:
            clients = flow.clients
            holding = self._holding(clients.book, clients.instrument)
            touch = touch_at(moment, clients.instrument)
            for trade in flow.until(moment.time_ns):
                holding.trade(
                    trade.side.opposite, trade.quantity, touch.for_client(trade.side), moment.time_ns
                )
        for walk in self._scores.values():
            walk.until(moment.time_ns)

    def profit(self, moment: Moment) -> Decimal:
        """Of the books since the start, at the mids."""
        return sum(
            (
                holding.profit(touch_at(moment, symbol).mid)
                for held in self._books.values()
                for symbol, holding in held.items()
            ),
            ZERO,
        )

    def book(self, name: str, now_ns: int) -> ClientBook:
        """The newest state of a book, as the books role repeats it."""
        loans = self._scenario.loans.get(name)
        held = self._books.get(name, {})
        return ClientBook(
            name=name,
            sequence=now_ns,
            as_of_ns=now_ns if loans is None else self._start_ns,
            published_ns=now_ns,
            positions={symbol: item.position.quantity for symbol, item in held.items()},
            entries={symbol: item.entry for symbol, item in held.items() if item.entry is not None},
            kind=BookKind.POSITIONS if loans is None else BookKind.LOANS,
            loans=tuple(
                Loan(
                    id=f"{name}-{number}",
                    asset=item.asset,
                    principal=item.principal,
                    interest=ZERO,
                    annual_rate=item.annual_rate,
                    since_ns=self._start_ns,
                )
                for number, item in enumerate(loans or ())
            ),
        )

    def score(self, asset: str, now_ns: int) -> Score:
        """The newest score, as its source repeats it."""
        return Score(asset=asset, sequence=now_ns, time_ns=now_ns, score=self._scores[asset].value)

    def _holding(self, book: str, symbol: str) -> Holding:
        held = self._books.setdefault(book, {})
        if symbol not in held:
            held[symbol] = Holding(find_instrument(symbol))
        return held[symbol]


def quote_at(
    moment: Moment, symbol: str, now_ns: int, depth_usd: float, funding: FundingHistory | None
) -> Quote:
    """The bar's touch as enrichment would tell it now: a source repeats its state, so it does not grow old in a bar."""
    touch = moment.touches[symbol]
    mid = (touch.bid + touch.ask) / 2
    return Quote(
        instrument=symbol,
        underlying=LISTINGS[symbol].underlying,
        sequence=now_ns,
        time_ns=now_ns,
        source_time_ns=touch.time_ns,
        bid=touch.bid,
        ask=touch.ask,
        # Nothing decides by the sizes at the touch, which bars need not have.
        bid_size=0.0,
        ask_size=0.0,
        mid=mid,
        spread_bps=(touch.ask - touch.bid) / mid * 1e4,
        imbalance=0.0,
        depth_bps=DEPTH_BPS,
        bid_depth_usd=depth_usd / 2,
        ask_depth_usd=depth_usd / 2,
        reach_bps=DEPTH_BPS,
        valid=True,
        funding=None if funding is None else funding.told(now_ns),
    )


class _Flow:
    def __init__(self, clients: Clients, seed: int, start_ns: int) -> None:
        self.clients = clients
        self._trades = client_trades(clients, seed, start_ns)
        self._next = next(self._trades)

    def until(self, time_ns: int) -> Iterator[ClientTrade]:
        while self._next.time_ns <= time_ns:
            yield self._next
            self._next = next(self._trades)


class _Walk:
    def __init__(self, walk: ScoreWalk, seed: int, start_ns: int) -> None:
        self._every_ns = round(walk.every_s * SECOND_NS)
        self._scores = score_walk(walk, seed)
        self.value = next(self._scores)
        self._next_ns = start_ns + self._every_ns

    def until(self, time_ns: int) -> None:
        while self._next_ns <= time_ns:
            self.value = next(self._scores)
            self._next_ns += self._every_ns
