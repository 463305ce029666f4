"""Who gets which input, and when."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from account_examples import account_source, account_state
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.schemas.records import (
    AccountInput,
    BookInput,
    ClientBook,
    MarkInput,
    Quote,
    Score,
    ScoreInput,
    StrategyInput,
    StrategyPublished,
)
from hedgerow.strategy.compiled import BookSource, Haircut
from hedgerow.streams.context import FollowsAssignment, Incoming, Outgoing
from hedgerow.streams.partitioning import partition_of
from hedgerow_enrichment.router import Router

MS = 1_000_000
SECOND_NS = 1_000_000_000
T0 = 1_000 * SECOND_NS
KEY = "demo/btc"
HOME = partition_of(KEY, 4)
OF_QUOTES = (HOME + 2) % 4


def published(
    generation: int = 1,
    name: str = "btc",
    book: str = "clients",
    underlying: str = "BTC",
    suspend: bool = False,
) -> StrategyPublished:
    config = example.strategy(
        namespace="demo",
        name=name,
        suspend=suspend,
        exposure=(BookSource(name=book, book=book),),
        bands=(msgspec.structs.replace(example.band(), underlying=underlying),),
    )
    return StrategyPublished(
        uid="u", generation=generation, revision=f"r{generation}", published_ns=1, config=config
    )


def quote(
    sequence: int,
    now_ns: int,
    mid: float = 60_000.0,
    symbol: str = "BTC/USDT",
    valid: bool = True,
    underlying: str = "BTC",
) -> Incoming:
    record = Quote(
        instrument=symbol,
        underlying=underlying,
        sequence=sequence,
        time_ns=now_ns,
        source_time_ns=now_ns,
        bid=mid,
        ask=mid,
        bid_size=1.0,
        ask_size=1.0,
        mid=mid if valid else 0.0,
        spread_bps=0.0,
        imbalance=0.0,
        depth_bps=20.0,
        bid_depth_usd=1.0,
        ask_depth_usd=1.0,
        reach_bps=20.0,
        valid=valid,
        reason="" if valid else "crossed",
    )
    return incoming("market.enriched", record, now_ns, partition=OF_QUOTES)


def book(sequence: int, now_ns: int, name: str = "clients", published_ns: int | None = None) -> Incoming:
    record = ClientBook(
        name=name,
        sequence=sequence,
        as_of_ns=1,
        published_ns=now_ns if published_ns is None else published_ns,
        positions={"BTC/USDT": Decimal(sequence)},
    )
    return incoming("books", record, now_ns, partition=0)


def score(value: float, time_ns: int, asset: str = "BTC", sequence: int | None = None) -> Incoming:
    record = Score(
        asset=asset, sequence=time_ns if sequence is None else sequence, time_ns=time_ns, score=value
    )
    return incoming("scores", record, time_ns, partition=1)


def incoming(topic: str, record: Any, now_ns: int, partition: int) -> Incoming:
    return Incoming(
        topic=topic, partition=partition, offset=0, key="k", record=record, headers={}, received_ns=now_ns
    )


@pytest.fixture
def router() -> Router:
    """It knows one strategy, which was told its generation at T0."""
    router = Router(partitions=4)
    for partition in range(4):
        router.assign("market.enriched", partition)
    router.tick(T0)
    router.strategy_changed(KEY, published())
    return router


def described(outgoing: Sequence[Outgoing]) -> list[str]:
    """What was routed, in short."""
    found = []
    for item in outgoing:
        record = item.record
        assert item.topic == "risk.inputs"
        if isinstance(record, MarkInput):
            found.append(f"{item.key} quote {record.quote.sequence}")
        elif isinstance(record, ScoreInput):
            found.append(f"{item.key} score {record.score.score:g}")
        elif isinstance(record, AccountInput):
            found.append(f"{item.key} account {record.account.sequence}")
        elif isinstance(record, BookInput):
            found.append(f"{item.key} book {record.book.sequence}")
        elif isinstance(record, StrategyInput):
            number = record.published.generation if record.published is not None else None
            found.append(f"{item.key} generation {number}")
    return found


def test_it_is_told_of_assignments() -> None:
    assert isinstance(Router(4), FollowsAssignment)


def test_the_first_quote_goes_at_once_and_carries_its_cause(router: Router) -> None:
    first = quote(1, T0 + 5)
    (item,) = router.step(first)
    assert (item.key, item.cause) == (KEY, first)
    assert isinstance(item.record, MarkInput)
    assert item.record.routed_ns == T0 + 5
    assert item.record.quote is first.record


def test_a_small_move_waits_until_100_ms_after_the_last_copy(router: Router) -> None:
    router.step(quote(1, T0))
    assert described(router.step(quote(2, T0 + 40 * MS, mid=60_001.0))) == []
    assert described(router.tick(T0 + 99 * MS)) == []
    (late,) = router.tick(T0 + 100 * MS)
    assert described([late]) == ["demo/btc quote 2"]
    assert late.cause is not None
    assert late.cause.received_ns == T0 + 40 * MS
    assert described(router.step(quote(3, T0 + 200 * MS, mid=60_001.5))) == ["demo/btc quote 3"]


def test_a_move_of_one_basis_point_goes_at_once(router: Router) -> None:
    router.step(quote(1, T0, mid=60_000.0))
    assert described(router.step(quote(2, T0 + MS, mid=60_005.9))) == []
    assert described(router.step(quote(3, T0 + 2 * MS, mid=60_006.0))) == ["demo/btc quote 3"]


def test_small_moves_add_up_against_the_copied_quote(router: Router) -> None:
    router.step(quote(1, T0, mid=60_000.0))
    assert described(router.step(quote(2, T0 + MS, mid=60_004.0))) == []
    assert described(router.step(quote(3, T0 + 2 * MS, mid=60_008.0))) == ["demo/btc quote 3"]


def test_a_change_of_validity_goes_at_once_both_ways_and_more_of_the_same_waits(router: Router) -> None:
    router.step(quote(1, T0))
    assert described(router.step(quote(2, T0 + MS, valid=False))) == ["demo/btc quote 2"]
    assert described(router.step(quote(3, T0 + 2 * MS, valid=False))) == []
    assert described(router.step(quote(4, T0 + 3 * MS))) == ["demo/btc quote 4"]


def test_a_book_goes_at_once_every_time_it_is_published(router: Router) -> None:
    assert described(router.step(book(1, T0))) == ["demo/btc book 1"]
    assert described(router.step(book(2, T0 + 1))) == ["demo/btc book 2"]
    assert described(router.step(book(2, T0 + 2))) == ["demo/btc book 2"]


def test_a_state_that_is_not_newer_is_dropped_and_counted() -> None:
    stale = []
    router = Router(4, on_stale=lambda: stale.append(1))
    router.strategy_changed(KEY, published())
    router.step(quote(5, T0))
    router.step(book(5, T0, published_ns=9))
    assert described(router.step(quote(5, T0 + SECOND_NS))) == []
    assert described(router.step(quote(4, T0 + SECOND_NS, mid=1.0))) == []
    assert described(router.step(book(5, T0, published_ns=9))) == []
    assert len(stale) == 3


def test_everything_known_is_sent_again_each_second_on_a_new_clock(router: Router) -> None:
    router.step(quote(1, T0))
    router.step(book(1, T0))
    assert described(router.tick(T0 + SECOND_NS - 1)) == []
    beat = router.tick(T0 + SECOND_NS)
    assert described(beat) == ["demo/btc quote 1", "demo/btc book 1"]
    assert {item.cause for item in beat} == {None}
    assert {getattr(item.record, "routed_ns", 0) for item in beat} == {T0 + SECOND_NS}
    assert described(router.tick(T0 + SECOND_NS + 100 * MS)) == []


def test_a_generation_is_repeated_each_second_until_inputs_are_and_then_each_five(router: Router) -> None:
    assert described(router.tick(T0 + SECOND_NS)) == ["demo/btc generation 1"]
    router.step(book(1, T0 + SECOND_NS))
    beats = [described(router.tick(T0 + number * SECOND_NS)) for number in range(2, 7)]
    assert beats[:4] == [["demo/btc book 1"]] * 4
    assert beats[4] == ["demo/btc generation 1", "demo/btc book 1"]


def test_a_strategy_gets_only_what_it_declares(router: Router) -> None:
    router.strategy_changed("demo/eth", published(name="eth", book="eth-clients", underlying="ETH"))
    assert described(router.step(quote(1, T0))) == ["demo/btc quote 1"]
    assert described(router.step(quote(1, T0, symbol="ETH/USDT", underlying="ETH"))) == ["demo/eth quote 1"]
    assert described(router.step(book(1, T0, name="eth-clients"))) == ["demo/eth book 1"]
    assert described(router.step(book(1, T0, name="nobodys"))) == []


def test_a_score_goes_at_once_to_those_who_read_it_and_is_repeated_each_second(router: Router) -> None:
    curve = example.curve()
    base = published(name="curve")
    config = msgspec.structs.replace(base.config, bands=(), sentiment_curves=(curve,))
    router.strategy_changed("demo/curve", msgspec.structs.replace(base, config=config))
    assert described(router.step(score(0.3, T0))) == ["demo/curve score 0.3"]
    assert described(router.step(score(0.4, T0 + 1))) == ["demo/curve score 0.4"]
    assert described(router.step(score(0.4, T0 + 1))) == []
    assert described(router.step(score(0.9, T0))) == []
    assert described(router.step(score(0.5, T0 + 2, asset="ETH"))) == []
    assert "demo/curve score 0.4" in described(router.tick(T0 + 2 * SECOND_NS))
    assert "demo/btc score 0.4" not in described(router.tick(T0 + 4 * SECOND_NS))


def test_collateral_is_priced_though_nothing_hedges_it(router: Router) -> None:
    base = published(name="ladder")
    haircuts = (Haircut(asset="ETH", haircut=Decimal("0.9")),)
    config = msgspec.structs.replace(base.config, bands=(), loan_to_value=example.ladder(haircuts=haircuts))
    router.strategy_changed("demo/ladder", msgspec.structs.replace(base, config=config))
    assert described(router.step(quote(1, T0, symbol="ETH/USDT", underlying="ETH"))) == [
        "demo/ladder quote 1"
    ]
    assert described(router.step(quote(1, T0, symbol="NVDA/USD", underlying="NVDA"))) == []


def test_an_account_goes_at_once_to_those_who_count_it_and_is_repeated_each_second(router: Router) -> None:
    base = published(name="lender")
    config = msgspec.structs.replace(base.config, exposure=(), accounts=(account_source(),))
    router.strategy_changed("demo/lender", msgspec.structs.replace(base, config=config))

    def account(sequence: int, venue: str = "trading/paper") -> Incoming:
        return incoming("accounts", account_state(sequence=sequence, venue=venue), T0, partition=3)

    assert described(router.step(account(7))) == ["demo/lender account 7"]
    assert described(router.step(account(8))) == ["demo/lender account 8"]
    assert described(router.step(account(7))) == []
    assert described(router.step(account(9, venue="trading/other"))) == []
    assert "demo/lender account 8" in described(router.tick(T0 + 2 * SECOND_NS))
    assert "demo/btc account 8" not in described(router.tick(T0 + 4 * SECOND_NS))


def test_an_account_comes_with_what_strategies_hedge_with_on_it(router: Router) -> None:
    base = published(name="lender")
    source = account_source(venue=example.VENUE)
    lender = msgspec.structs.replace(
        base, config=msgspec.structs.replace(base.config, accounts=(source,), hedge_with=())
    )

    def hedges(now_ns: int) -> list[tuple[str, ...]]:
        records = (item.record for item in router.tick(now_ns))
        return [record.hedges for record in records if isinstance(record, AccountInput)]

    router.strategy_changed("demo/lender", lender)
    (first,) = router.step(incoming("accounts", account_state(venue=example.VENUE), T0, partition=3))
    assert isinstance(first.record, AccountInput)
    # The other strategy, btc, hedges there with the perpetual.
    assert first.record.hedges == (example.SYMBOL,)
    router.strategy_changed("demo/twin", published(name="twin"))
    router.strategy_changed(KEY, None)
    assert hedges(T0 + SECOND_NS) == [(example.SYMBOL,)]
    router.strategy_changed("demo/twin", None)
    assert hedges(T0 + 2 * SECOND_NS) == [()]


def test_a_suspended_strategy_still_gets_its_inputs(router: Router) -> None:
    router.strategy_changed(KEY, published(generation=2, suspend=True))
    assert described(router.step(quote(1, T0))) == ["demo/btc quote 1"]


def test_a_new_generation_is_told_at_once_with_what_it_newly_needs(router: Router) -> None:
    router.step(quote(1, T0))
    router.step(book(7, T0, name="more"))
    said = router.strategy_changed(KEY, published(generation=2, book="more"))
    assert described(said) == ["demo/btc generation 2", "demo/btc book 7"]


def test_a_new_strategy_gets_everything_known_at_once(router: Router) -> None:
    router.step(quote(1, T0))
    router.step(book(1, T0))
    said = router.strategy_changed("demo/second", published(name="second"))
    assert described(said) == ["demo/second generation 1", "demo/second quote 1", "demo/second book 1"]


def test_before_there_is_a_clock_the_generation_waits_for_it() -> None:
    router = Router(4)
    router.assign("market.enriched", HOME)
    assert described(router.strategy_changed(KEY, published())) == []
    assert described(router.tick(T0)) == ["demo/btc generation 1"]


def test_only_the_owner_of_the_strategys_partition_tells_its_generation() -> None:
    router = Router(4)
    router.assign("market.enriched", (HOME + 1) % 4)
    router.assign("books", HOME)
    router.tick(T0)
    assert described(router.strategy_changed(KEY, published())) == []
    assert described(router.step(quote(1, T0))) == ["demo/btc quote 1"]
    router.assign("market.enriched", HOME)
    assert described(router.tick(T0 + MS)) == ["demo/btc generation 1"]
    router.revoke("market.enriched", HOME)
    assert described(router.tick(T0 + 2 * SECOND_NS)) == ["demo/btc quote 1"]
    router.assign("market.enriched", HOME)
    assert described(router.tick(T0 + 2 * SECOND_NS)) == ["demo/btc generation 1"]


def test_a_strategy_that_is_taken_away_gets_one_farewell_and_nothing_more(router: Router) -> None:
    router.step(quote(1, T0))
    assert described(router.strategy_changed(KEY, None)) == ["demo/btc generation None"]
    assert described(router.tick(T0 + 2 * SECOND_NS)) == []
    assert described(router.step(quote(2, T0 + 2 * SECOND_NS))) == []


def test_a_farewell_nobody_could_say_is_said_by_the_next_owner_unless_it_came_back() -> None:
    router = Router(4)
    router.tick(T0)
    router.strategy_changed(KEY, published())
    assert described(router.strategy_changed(KEY, None)) == []
    router.assign("market.enriched", HOME)
    assert described(router.tick(T0)) == ["demo/btc generation None"]
    router.revoke("market.enriched", HOME)
    router.strategy_changed(KEY, None)
    router.strategy_changed(KEY, published(generation=2))
    router.assign("market.enriched", HOME)
    assert described(router.tick(T0)) == ["demo/btc generation 2"]


def test_what_came_from_a_revoked_partition_is_forgotten(router: Router) -> None:
    router.step(quote(5, T0))
    router.step(book(1, T0))
    router.revoke("market.enriched", OF_QUOTES)
    assert described(router.tick(T0 + SECOND_NS)) == ["demo/btc book 1"]
    assert described(router.step(quote(5, T0 + SECOND_NS))) == ["demo/btc quote 5"]


_events = st.lists(
    st.tuples(
        st.integers(0, 60), st.sampled_from(["quote", "quote", "quote", "book", "tick"]), st.integers(-3, 3)
    ),
    max_size=60,
)


@given(events=_events)
def test_no_strategy_lags_the_newest_quote_by_more_than_a_tick_past_100_ms(
    events: list[tuple[int, str, int]],
) -> None:
    """And what it has is never more than 1 bp away from the newest, nor older than a heartbeat and a tick."""
    router = Router(4)
    router.assign("market.enriched", HOME)
    router.strategy_changed(KEY, published())
    now_ns = T0
    newest: Quote | None = None
    newest_ns = T0
    given_quote: Quote | None = None
    given_ns = T0
    next_tick_ns = T0

    def take(outgoing: Sequence[Outgoing]) -> None:
        nonlocal given_quote, given_ns
        for item in outgoing:
            if isinstance(item.record, MarkInput):
                given_quote, given_ns = item.record.quote, item.record.routed_ns

    for sequence, (wait_ms, kind, move) in enumerate(events, start=1):
        now_ns += wait_ms * MS
        while next_tick_ns <= now_ns:
            take(router.tick(next_tick_ns))
            next_tick_ns += 100 * MS
        if kind == "quote":
            message = quote(sequence, now_ns, mid=60_000.0 + move, valid=move != 3)
            newest, newest_ns = message.record, now_ns
            take(router.step(message))
        elif kind == "book":
            take(router.step(book(sequence, now_ns)))
        if newest is not None:
            assert given_quote is not None
            assert given_quote.valid == newest.valid
            assert abs(given_quote.mid - newest.mid) * 10_000 < 60_000
            assert given_quote is newest or now_ns - newest_ns <= 200 * MS
            assert now_ns - given_ns <= 1_100 * MS
