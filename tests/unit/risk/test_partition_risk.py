"""Risk is a pure function of its partition's log."""

from decimal import Decimal
from typing import Any

import hedge_examples
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.instruments import LISTINGS
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import RiskInput, Score, ScoreInput
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import Freshness

UIDS = (hedge_examples.UID, "0f1e2d3c-4b5a-4968-8776-655443322110")
SECOND_NS = 1_000_000_000
SPOT = "BTC/USDT"
PERPETUAL = "BTC/USDT:USDT"


@pytest.fixture
def risk(make: Any) -> PartitionRisk:
    """It knows one strategy: band on BTC, book `clients`, hedge in the perpetual."""
    risk = PartitionRisk()
    risk.apply(make.generation(make.config()), 0)
    return risk


def problems(state: RiskState | None) -> list[tuple[str, str, str]]:
    assert state is not None
    return [(item.input, item.code, item.detail) for item in state.problems]


def test_ready_once_every_declared_input_was_seen(risk: PartitionRisk, make: Any) -> None:
    first = risk.apply(make.book({SPOT: Decimal("2.5")}), 1)
    assert problems(first) == [
        ("quote:BTC/USDT", "Missing", "not seen yet"),
        ("quote:BTC/USDT:USDT", "Missing", "not seen yet"),
    ]
    assert first is not None
    assert first.exposures == ()
    second = risk.apply(make.mark(PERPETUAL, mid=60_000.25), 2)
    assert problems(second) == [("quote:BTC/USDT", "Missing", "not seen yet")]
    third = risk.apply(make.mark(SPOT, mid=59_000.0), 3)
    assert third is not None
    assert third.ready
    (exposure,) = third.exposures
    assert (exposure.underlying, exposure.delta) == ("BTC", Decimal("2.5"))
    assert exposure.mark == Decimal("60000.25")
    assert exposure.notional == Decimal("150000.625")
    assert [(item.instrument, item.mid) for item in third.marks] == [
        (SPOT, Decimal("59000.0")),
        (PERPETUAL, Decimal("60000.25")),
    ]


def test_a_state_is_named_by_its_input(risk: PartitionRisk, make: Any) -> None:
    state = risk.apply(make.mark(PERPETUAL, sequence=77, now_ns=5 * SECOND_NS), 41)
    assert state is not None
    assert (state.strategy, state.uid, state.generation, state.revision) == (
        "demo/btc",
        hedge_examples.UID,
        1,
        "r1",
    )
    assert (state.sequence, state.time_ns, state.cause) == (41, 5 * SECOND_NS, "quote:BTC/USDT:USDT:77")
    booked = risk.apply(make.book({}, sequence=9), 42)
    assert booked is not None
    assert booked.cause == "book:clients:9"


def test_an_input_from_the_future_is_no_fresher_than_an_old_one(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.mark(PERPETUAL, time_ns=3 * SECOND_NS, now_ns=SECOND_NS), 1)
    state = risk.apply(make.book({}, published_ns=SECOND_NS, now_ns=SECOND_NS), 2)
    assert problems(state) == [
        ("quote:BTC/USDT:USDT", "Stale", "2.000 s in the future, limit 1 s: a clock is wrong")
    ]


def test_an_input_that_grew_old_is_stale_with_the_numbers(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.mark(PERPETUAL, time_ns=SECOND_NS), 1)
    fresh = risk.apply(make.book({}, published_ns=SECOND_NS, now_ns=4 * SECOND_NS), 2)
    assert fresh is not None
    assert fresh.ready
    heartbeat = make.mark(PERPETUAL, time_ns=SECOND_NS, now_ns=4 * SECOND_NS + 1_000_000)
    assert problems(risk.apply(heartbeat, 3)) == [("quote:BTC/USDT:USDT", "Stale", "3.001 s old, limit 3 s")]
    later = make.mark(PERPETUAL, sequence=2, time_ns=17 * SECOND_NS, now_ns=17 * SECOND_NS)
    assert problems(risk.apply(later, 4)) == [("book:clients", "Stale", "16.000 s old, limit 15 s")]


def test_an_invalid_quote_replaces_the_good_one_and_leaves_no_exposure(
    risk: PartitionRisk, make: Any
) -> None:
    risk.apply(make.book({SPOT: Decimal(1)}), 1)
    risk.apply(make.mark(SPOT), 2)
    risk.apply(make.mark(PERPETUAL), 3)
    state = risk.apply(make.mark(PERPETUAL, sequence=2, valid=False), 4)
    assert problems(state) == [("quote:BTC/USDT:USDT", "Invalid", "crossed")]
    assert state is not None
    assert state.exposures == ()
    assert [item.valid for item in state.marks] == [True, False]


def test_a_position_in_an_unknown_instrument_is_named(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.mark(PERPETUAL), 1)
    state = risk.apply(make.book({"DOGE/USDT": Decimal(1)}), 2)
    assert problems(state) == [
        ("book:clients", "Unknown", f"holds DOGE/USDT; listed are {', '.join(sorted(LISTINGS))}")
    ]


def test_a_flat_position_needs_no_mark(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.mark(PERPETUAL), 1)
    state = risk.apply(make.book({SPOT: Decimal(0)}), 2)
    assert state is not None
    assert state.ready


def test_a_band_without_a_leg_has_no_mark_and_says_so(make: Any) -> None:
    risk = PartitionRisk()
    state = risk.apply(make.generation(make.config(books=(), underlying="ETH")), 0)
    assert ("band:ETH", "Unknown") in [(item[0], item[1]) for item in problems(state)]


def test_every_declared_book_counts_and_no_other(make: Any) -> None:
    risk = PartitionRisk()
    risk.apply(make.generation(make.config(books=("a", "b"))), 0)
    risk.apply(make.mark(PERPETUAL), 1)
    risk.apply(make.mark(SPOT), 2)
    risk.apply(make.book({SPOT: Decimal("0.5")}, book_name="a"), 3)
    risk.apply(make.book({SPOT: Decimal(9)}, book_name="elsewhere"), 4)
    state = risk.apply(make.book({SPOT: Decimal("-0.2"), PERPETUAL: Decimal("0.1")}, book_name="b"), 5)
    assert state is not None
    assert state.exposures[0].delta == Decimal("0.4")


def test_an_older_input_says_nothing_and_is_counted(make: Any) -> None:
    stale = []
    risk = PartitionRisk(on_stale=lambda: stale.append(1))
    risk.apply(make.generation(make.config(), number=3), 0)
    risk.apply(make.mark(sequence=5), 1)
    risk.apply(make.book({}, sequence=2, published_ns=9), 2)
    assert risk.apply(make.mark(sequence=4), 3) is None
    assert risk.apply(make.book({}, sequence=2, published_ns=8), 4) is None
    assert risk.apply(make.book({}, sequence=1, published_ns=99), 5) is None
    assert risk.apply(make.generation(make.config(), number=2), 6) is None
    assert len(stale) == 4


def test_a_repeated_input_moves_the_clock_and_speaks_again(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.mark(sequence=5), 1)
    again = risk.apply(make.mark(sequence=5, now_ns=2 * SECOND_NS), 2)
    assert again is not None
    assert (again.sequence, again.time_ns) == (2, 2 * SECOND_NS)


def test_a_strategy_that_is_not_known_or_was_taken_away_is_not_spoken_of(
    risk: PartitionRisk, make: Any
) -> None:
    assert risk.apply(make.mark(name="other"), 1) is None
    assert risk.apply(make.generation(None), 2) is None
    assert risk.apply(make.mark(), 3) is None


def test_suspending_does_not_change_risk(make: Any) -> None:
    def exposures(suspend: bool) -> object:
        risk = PartitionRisk()
        risk.apply(make.generation(make.config(suspend=suspend)), 0)
        risk.apply(make.mark(SPOT), 1)
        risk.apply(make.mark(PERPETUAL), 2)
        state = risk.apply(make.book({SPOT: Decimal(3)}), 3)
        assert state is not None
        return state.ready, state.exposures

    assert exposures(True) == exposures(False)


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(ValueError, match="malformed"):
        PartitionRisk().restore(b"{not a state")


_decoder = Decoder[RiskInput](RiskInput)
_draws = st.lists(
    st.tuples(
        st.sampled_from(["mark", "mark", "book", "generation", "away"]),
        st.sampled_from(["btc", "btc", "other"]),
        st.integers(0, 6),
        st.integers(0, 20),
        st.booleans(),
    ),
    max_size=40,
)


def _log(make: Any, draws: list[tuple[str, str, int, int, bool]]) -> list[bytes]:
    """A partition's log: any inputs in any order, repeated and reordered ones among them."""
    log = [encode(make.generation(make.config(name=name), name=name)) for name in ("btc", "other")]
    for kind, name, sequence, seconds, flag in draws:
        now_ns = seconds * SECOND_NS
        if kind == "mark":
            symbol = SPOT if flag else PERPETUAL
            record = make.mark(
                symbol, sequence, now_ns, now_ns, 60_000 + sequence / 3, valid=sequence != 3, name=name
            )
        elif kind == "book":
            positions = {SPOT: Decimal(sequence) / 7, PERPETUAL: Decimal(-seconds) / 9, "X/Y": Decimal(0)}
            record = make.book(positions if flag else {}, sequence, now_ns, now_ns, name=name)
        elif kind == "generation":
            record = make.generation(
                make.config(name=name, suspend=flag), sequence, now_ns, UIDS[flag], name=name
            )
        else:
            record = make.generation(None, name=name)
        log.append(encode(record))
    return log


def _replay(risk: PartitionRisk, log: list[bytes], start: int) -> list[bytes | None]:
    said = []
    for offset, value in enumerate(log[start:], start):
        state = risk.apply(_decoder.decode(value), offset)
        said.append(None if state is None else encode(state))
    return said


@given(draws=_draws)
def test_i6_the_same_log_gives_the_same_bytes(make: Any, draws: Any) -> None:
    log = _log(make, draws)
    assert _replay(PartitionRisk(), log, 0) == _replay(PartitionRisk(), log, 0)


@given(draws=_draws, cut=st.integers(0, 42))
def test_i6_a_worker_that_goes_on_from_a_checkpoint_says_the_same_bytes(
    make: Any, draws: Any, cut: int
) -> None:
    log = _log(make, draws)
    cut = min(cut, len(log))
    whole = PartitionRisk()
    expected = _replay(whole, log, 0)

    first = PartitionRisk()
    _replay(first, log[:cut], 0)
    second = PartitionRisk()
    second.restore(first.snapshot())
    assert _replay(second, log, cut) == expected[cut:]
    assert second.snapshot() == whole.snapshot()


@given(draws=_draws)
def test_each_strategy_knows_its_newest_inputs_whatever_came_between(make: Any, draws: Any) -> None:
    risk = PartitionRisk()
    last: RiskState | None = None
    newest: dict[str, int] = {}
    for offset, value in enumerate(_log(make, [draw for draw in draws if draw[0] == "mark"])):
        record = _decoder.decode(value)
        state = risk.apply(record, offset)
        if record.strategy == "demo/btc" and hasattr(record, "quote"):
            symbol = record.quote.instrument
            newest[symbol] = max(newest.get(symbol, 0), record.quote.sequence)
            last = state or last
    if last is not None:
        assert {item.instrument: item.sequence for item in last.marks} == newest


def test_positions_without_a_band_are_no_concern_of_the_strategy(risk: PartitionRisk, make: Any) -> None:
    """One client book holds every asset class; a strategy waits for the quotes of its own underlyings only."""
    risk.apply(make.mark(PERPETUAL), 1)
    state = risk.apply(make.book({"ETH/USDT": Decimal(1), "SPX": Decimal(-3)}), 2)
    assert problems(state) == []
    assert state is not None
    assert [(item.underlying, item.delta) for item in state.exposures] == [("BTC", Decimal(0))]


def test_positions_with_a_band_need_a_quote(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.mark(PERPETUAL), 1)
    state = risk.apply(make.book({SPOT: Decimal(1)}), 2)
    assert [(name, code) for name, code, _ in problems(state)] == [("quote:BTC/USDT", "Missing")]


@given(
    st.sampled_from(["SPX/USD:USD-301220", "NVDA/USD", "ETH/USDT:USDT", "BTC/USDT:USDT"]),
    st.dictionaries(st.sampled_from(sorted(LISTINGS)), st.integers(min_value=-500, max_value=500)),
)
def test_delta_is_contracts_times_their_size_over_all_listings_of_an_underlying(
    make: Any, leg: str, held: dict[str, int]
) -> None:
    underlying = LISTINGS[leg].underlying
    risk = PartitionRisk()
    risk.apply(make.generation(make.config(legs=(leg,), underlying=underlying)), 0)
    risk.apply(make.mark(leg, mid=5_000.0), 1)
    state = risk.apply(make.book({symbol: Decimal(quantity) for symbol, quantity in held.items()}), 2)
    assert state is not None
    (exposure,) = state.exposures
    multiplier = {"SPX/USD:USD-301220": 5}
    expected = sum(
        quantity * multiplier.get(symbol, 1)
        for symbol, quantity in held.items()
        if symbol.startswith(underlying)
    )
    assert (exposure.underlying, exposure.delta, exposure.notional) == (
        underlying,
        expected,
        expected * 5_000,
    )


def scored(strategy: str, value: float, time_ns: int, now_ns: int) -> ScoreInput:
    record = Score(asset="BTC", sequence=time_ns, time_ns=time_ns, score=value)
    return ScoreInput(strategy=strategy, routed_ns=now_ns, score=record)


@pytest.fixture
def by_score(make: Any) -> PartitionRisk:
    """It knows one strategy, which follows a curve; its book and quotes were seen at one second."""
    freshness = Freshness(quote_ns=90 * SECOND_NS, book_ns=90 * SECOND_NS, score_ns=3 * SECOND_NS)
    config = msgspec.structs.replace(
        make.config(), bands=(), sentiment_curves=(hedge_examples.curve(),), freshness=freshness
    )
    risk = PartitionRisk()
    inputs = [make.generation(config), make.book({SPOT: Decimal(1)}), make.mark(SPOT), make.mark(PERPETUAL)]
    for offset, record in enumerate(inputs):
        risk.apply(record, offset)
    return risk


def test_a_curve_waits_for_its_score_and_holds_once_it_is_old_by_its_own_time(
    by_score: PartitionRisk,
) -> None:
    at = 2 * SECOND_NS
    state = by_score.apply(scored("demo/btc", 0.3, at - 3 * SECOND_NS, at), 5)
    assert problems(state) == []
    assert state is not None
    assert (state.scores[0].score, state.cause) == (0.3, f"score:BTC:{at - 3 * SECOND_NS}")
    assert state.marks[0].depth_usd == 2.0
    # Repeated, it is not made fresh.
    again = by_score.apply(scored("demo/btc", 0.3, at - 3 * SECOND_NS, at + SECOND_NS), 6)
    assert problems(again) == [("score:BTC", "Stale", "4.000 s old, limit 3 s")]
    assert by_score.apply(scored("demo/btc", 0.9, at - 4 * SECOND_NS, at + SECOND_NS), 7) is None


def test_a_curve_without_a_score_is_not_ready(by_score: PartitionRisk, make: Any) -> None:
    assert problems(by_score.apply(make.mark(SPOT, sequence=2), 9)) == [
        ("score:BTC", "Missing", "not seen yet")
    ]


def test_a_score_survives_a_restart(by_score: PartitionRisk, make: Any) -> None:
    by_score.apply(scored("demo/btc", 0.3, SECOND_NS, SECOND_NS), 5)
    restored = PartitionRisk()
    restored.restore(by_score.snapshot())
    repeated = make.mark(SPOT, sequence=2)
    assert restored.apply(repeated, 6) == by_score.apply(repeated, 6)
