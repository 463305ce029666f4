from math import inf, isfinite, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import BookState, MarketReset, Quote
from hedgerow.streams.context import Incoming
from hedgerow_enrichment.enrich import EnrichmentStepper, MarketRecord, quote_of
from hedgerow_enrichment.role import role

NUMBERS = (
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "mid",
    "spread_bps",
    "imbalance",
    "depth_bps",
    "bid_depth_usd",
    "ask_depth_usd",
    "reach_bps",
)
ANY_LEVELS = st.lists(st.tuples(st.floats(), st.floats()), max_size=3).map(tuple)


def state(sequence: int = 7, **changes: Any) -> BookState:
    good = BookState(
        instrument="BTC/USDT",
        underlying="BTC",
        sequence=sequence,
        time_ns=1_000 + sequence,
        source_time_ns=500,
        bids=((99.0, 3.0), (98.0, 1.0)),
        asks=((101.0, 1.0), (102.0, 1.0)),
        depth_bps=20.0,
        bid_depth_usd=297.0,
        ask_depth_usd=101.0,
        reach_bps=24.0,
        valid=True,
    )
    return msgspec.structs.replace(good, **changes)


def reset(sequence: int) -> MarketReset:
    return MarketReset(
        instrument="BTC/USDT",
        underlying="BTC",
        sequence=sequence,
        time_ns=1_000 + sequence,
        source_time_ns=500,
        lap=1,
        reason="loop",
    )


def incoming(record: MarketRecord, partition: int = 0) -> Incoming:
    return Incoming(
        topic="market.raw", partition=partition, offset=0, key="BTC", record=record, headers={}, received_ns=0
    )


def quotes(stepper: EnrichmentStepper, *records: MarketRecord) -> list[Quote]:
    return [out.record for record in records for out in stepper.step(incoming(record))]  # type: ignore[misc]


def test_a_sound_state_is_measured_at_the_touch_and_keeps_its_depth() -> None:
    quote = quote_of(state())
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (99.0, 3.0, 101.0, 1.0)
    assert (quote.mid, quote.spread_bps, quote.imbalance) == (100.0, pytest.approx(200.0), 0.5)
    assert (quote.depth_bps, quote.bid_depth_usd, quote.ask_depth_usd, quote.reach_bps) == (20, 297, 101, 24)
    assert (quote.valid, quote.reason) == (True, "")
    assert (quote.sequence, quote.time_ns, quote.source_time_ns) == (7, 1_007, 500)


def test_the_quote_is_keyed_by_underlying_and_caused_by_its_state() -> None:
    taken = incoming(state())
    (out,) = EnrichmentStepper().step(taken)
    assert (out.topic, out.key, out.cause) == ("market.enriched", "BTC", taken)


def test_an_invalid_state_replaces_the_good_one_with_zeros_and_its_reason() -> None:
    good, bad = quotes(
        EnrichmentStepper(), state(7), state(8, valid=False, reason="crossed: …", bids=(), asks=())
    )
    assert good.valid
    assert (bad.valid, bad.reason, bad.sequence) == (False, "crossed: …", 8)
    assert all(getattr(bad, name) == 0 for name in NUMBERS)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"bids": ()}, "empty"),
        ({"bids": ((101.0, 1.0),)}, "locked"),
        ({"bids": ((103.0, 1.0),)}, "crossed"),
        ({"asks": ((nan, 1.0),)}, "not finite"),
        ({"asks": ((101.0, inf),)}, "not finite"),
        ({"bids": ((99.0, 0.0),)}, "zero"),
        ({"bid_depth_usd": nan}, "not usable: bid_depth_usd"),
        ({"reach_bps": -1.0}, "not usable: reach_bps"),
        ({"valid": False}, "marked invalid"),
    ],
)
def test_a_state_that_claims_too_much_is_marked_invalid(changes: dict[str, Any], word: str) -> None:
    quote = quote_of(state(**changes))
    assert not quote.valid
    assert quote.reason.startswith(word)


def test_a_reset_is_an_invalid_quote_and_the_next_state_is_good_again() -> None:
    before, at_reset, after = quotes(EnrichmentStepper(), state(7), reset(8), state(9))
    assert (before.valid, at_reset.valid, after.valid) == (True, False, True)
    assert (at_reset.reason, at_reset.sequence) == ("reset", 8)


def test_newest_wins_and_a_repeat_with_a_later_time_passes() -> None:
    stale = []
    stepper = EnrichmentStepper(lambda: stale.append(1))
    repeated = state(9, time_ns=5_000)
    sent = quotes(stepper, state(9), state(8), state(9), reset(3), repeated, state(10))
    assert [(quote.sequence, quote.time_ns) for quote in sent] == [(9, 1_009), (9, 5_000), (10, 1_010)]
    assert len(stale) == 3


def test_instruments_do_not_hide_each_other() -> None:
    sent = quotes(EnrichmentStepper(), state(9), state(8, instrument="BTC/USDT:USDT"))
    assert [quote.sequence for quote in sent] == [9, 8]


def test_a_revoked_partition_is_forgotten_and_others_are_not() -> None:
    stepper = EnrichmentStepper()
    stepper.step(incoming(state(9), partition=0))
    stepper.step(incoming(state(9), partition=1))
    stepper.revoke("market.raw", 0)
    assert len(stepper.step(incoming(state(8), partition=0))) == 1
    assert len(stepper.step(incoming(state(8), partition=1))) == 0


@given(ANY_LEVELS, ANY_LEVELS, st.floats(), st.floats())
def test_no_input_makes_a_quote_that_is_not_finite_or_crossed(
    bids: Any, asks: Any, depth: float, reach: float
) -> None:
    quote = quote_of(state(bids=bids, asks=asks, bid_depth_usd=depth, reach_bps=reach))
    assert all(isfinite(getattr(quote, name)) for name in NUMBERS)
    assert Decoder[Quote](Quote).decode(encode(quote)) == quote
    if quote.valid:
        assert 0 < quote.bid < quote.mid < quote.ask or quote.mid in (quote.bid, quote.ask)
        assert -1 <= quote.imbalance <= 1
    else:
        assert quote.reason


@pytest.mark.parametrize("record", [state(), reset(3)])
def test_the_role_reads_both_records_of_its_topic(record: MarketRecord) -> None:
    (subscription,) = role.subscriptions
    assert Decoder[MarketRecord](subscription.record_type).decode(encode(record)) == record
