"""The feeds of real venues: the unchanged ccxt client against a server that speaks Binance's public dialect and
replays real recordings, with faults in the way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import polars as pl
import pytest
from binance_server import BinanceServer, raw_market, recorded_market
from feed_rig import HASTY, PERP, QUICK, SPOT, feed_context, running_feed, true_to
from full_recordings import full_recordings

from hedgerow.streams.settings import SettingsError
from hedgerow_ingestion.venue_feed import venue_feed


@pytest.fixture
async def perp_server() -> AsyncIterator[BinanceServer]:
    """The perpetual from raw websocket lines."""
    async with BinanceServer(raw_market()).running() as server:
        yield server


@pytest.fixture
async def server() -> AsyncIterator[BinanceServer]:
    """The perpetual from raw websocket lines, spot from the bundled session."""
    async with BinanceServer(recorded_market("spot"), raw_market()).running() as server:
        yield server


async def test_books_over_the_socket_equal_the_recorded_best_bid_and_offer(server: BinanceServer) -> None:
    async with running_feed(server, (SPOT, PERP)) as feed:
        with true_to(server, feed):
            for symbol in (SPOT, PERP):
                await feed.subscribed(symbol)
            await feed.step(PERP, 140)
            await feed.step(SPOT, 40)
    for kind in ("linear", "spot"):
        market = server.markets[kind]
        compared = [
            market.quoted[update] == told
            for update, told in market.touches.items()
            if update in market.quoted
        ]
        assert len(compared) >= 5
        assert all(compared)
    for symbol in (SPOT, PERP):
        assert feed.metric("hedgerow_feed_gaps_total", instrument=symbol) == 0
        assert all(state.valid for state in feed.of(symbol))
        assert feed.of(symbol)[-1].reach_bps > 20
        assert len(feed.of(symbol)[-1].bids) == len(feed.of(symbol)[-1].asks) == 50


def whole_capture() -> list[str]:
    path = full_recordings("crypto_raw_ws") / "binance_usdm_btcusdt_20240808_ws.jsonl.zst"
    # As a table of one column, because Polars unpacks zstd by itself.
    lines = pl.read_csv(path, separator="\x01", quote_char=None, has_header=False, new_columns=["line"])
    return lines["line"].to_list()


async def test_the_whole_raw_capture_is_followed_without_a_gap() -> None:
    market = raw_market(lines=await asyncio.to_thread(whole_capture))
    async with BinanceServer(market).running() as server, running_feed(server, (PERP,)) as feed:
        with true_to(server, feed):
            await feed.subscribed(PERP)
            while market.pending:
                await server.advance("linear", min(200, len(market.pending)))
                await feed.shows_newest(PERP)
        compared = [
            market.quoted[update] == told
            for update, told in market.touches.items()
            if update in market.quoted
        ]
        print(
            f"{len(market.touches)} messages, {len(feed.sent)} states, {len(compared)} compared with bookTicker"
        )
        assert len(compared) > 500
        assert all(compared)
        assert feed.metric("hedgerow_feed_gaps_total", instrument=PERP) == 0


async def test_a_dropped_message_makes_the_state_invalid_at_once_and_the_book_is_taken_anew(
    perp_server: BinanceServer,
) -> None:
    async with running_feed(perp_server, (PERP,), poll_ms=60_000) as feed:
        with true_to(perp_server, feed):
            await feed.subscribed(PERP)
            await feed.step(PERP, 3)
            perp_server.markets["linear"].withheld = 1
            await perp_server.advance("linear", 2)
            await feed.until("gap told", lambda: any("gap" in state.reason for state in feed.of(PERP)))
            await feed.shows_newest(PERP)
            await feed.step(PERP, 3)
    assert feed.metric("hedgerow_feed_gaps_total", instrument=PERP) == 1
    assert feed.metric("hedgerow_feed_reconnects_total", instrument=PERP, trouble="gap") == 1
    (gap,) = {state.sequence for state in feed.of(PERP) if not state.valid}
    assert all(state.bids == () for state in feed.of(PERP) if state.sequence == gap)


async def test_what_comes_twice_changes_nothing(perp_server: BinanceServer) -> None:
    market = perp_server.markets["linear"]
    async with running_feed(perp_server, (PERP,)) as feed:
        with true_to(perp_server, feed):
            await feed.subscribed(PERP)
            for _ in range(5):
                message = json.dumps(market.pending[0].message)
                await feed.step(PERP)
                await perp_server.tell("linear", message)
            await feed.step(PERP)
    assert feed.metric("hedgerow_feed_gaps_total", instrument=PERP) == 0


async def test_a_socket_that_stalls_silently_is_opened_anew_and_until_then_rest_speaks(
    perp_server: BinanceServer,
) -> None:
    market = perp_server.markets["linear"]
    async with running_feed(perp_server, (PERP,), HASTY) as feed:
        with true_to(perp_server, feed):
            await feed.subscribed(PERP)
            await feed.step(PERP, 2)
            market.stalled = True
            await perp_server.advance("linear", 5)
            await feed.shows_newest(PERP)
            await feed.until(
                "reconnect",
                lambda: feed.metric("hedgerow_feed_reconnects_total", instrument=PERP, trouble="behind") >= 1,
            )
            # A new socket stalls as well: its snapshot is right, then REST goes on speaking.
            await perp_server.advance("linear", 5)
            await feed.shows_newest(PERP)
            market.stalled = False
            await perp_server.advance("linear")
            await feed.shows_newest(PERP)
    assert all(state.valid for state in feed.of(PERP))


async def test_a_silent_feed_ages_although_its_state_is_repeated(perp_server: BinanceServer) -> None:
    market = perp_server.markets["linear"]
    async with running_feed(perp_server, (PERP,)) as feed:
        await feed.subscribed(PERP)
        await feed.step(PERP)
        market.stalled = True
        perp_server.failing = [(503, {})] * 1_000
        repeated = len(feed.sent)
        await feed.until(
            "an age of 2 s", lambda: feed.metric("hedgerow_feed_age_seconds", instrument=PERP) > 2
        )
        heard_ns = feed.of(PERP)[-1].time_ns
        await feed.until("two more repeats", lambda: len(feed.sent) >= repeated + 4)
        assert feed.of(PERP)[-1].time_ns == heard_ns
        assert time.time_ns() - heard_ns > 2e9
        await feed.until("not ready", lambda: not feed.conditions.ok)
        assert feed.conditions.outage
        assert PERP in feed.conditions.detail
        perp_server.failing = []
        await feed.until("REST vouches again", lambda: feed.of(PERP)[-1].time_ns > heard_ns)
        await feed.until("ready", lambda: feed.conditions.ok)


async def test_a_quiet_market_stays_fresh_because_rest_agrees(perp_server: BinanceServer) -> None:
    async with running_feed(perp_server, (PERP,)) as feed:
        await feed.subscribed(PERP)
        await feed.step(PERP)
        newest = feed.of(PERP)[-1]
        await feed.until(
            "two younger repeats", lambda: feed.of(PERP)[-1].time_ns - newest.time_ns > 1_500_000_000
        )
        assert {state.sequence for state in feed.sent if state.time_ns >= newest.time_ns} == {newest.sequence}
        assert len(perp_server.connections["linear"]) == 1


async def test_a_server_that_closes_is_tried_again_with_growing_waits(perp_server: BinanceServer) -> None:
    async with running_feed(perp_server, (PERP,)) as feed:
        with true_to(perp_server, feed):
            await feed.subscribed(PERP)
            perp_server.refusing = True
            await perp_server.close_sockets("linear")
            opened = perp_server.connections["linear"]
            await feed.until("five attempts", lambda: len(opened) >= 6)
            waits = [after - before for before, after in pairwise(opened[1:])]
            # Each wait is between half and all of one that doubles: two apart, the later is always the longer.
            assert all(later > earlier for earlier, later in zip(waits, waits[2:], strict=False))
            await perp_server.advance("linear", 3)
            await feed.shows_newest(PERP)
            perp_server.refusing = False
            await feed.until("subscribed again", lambda: perp_server.subscribed("linear"))
            await feed.step(PERP, 2)


async def test_too_many_requests_pauses_every_question_for_as_long_as_the_venue_says(
    server: BinanceServer,
) -> None:
    async with running_feed(server, (SPOT, PERP), sockets=False, poll_ms=100) as feed:
        await feed.shows_newest(SPOT)
        await feed.shows_newest(PERP)

        def asked() -> int:
            return sum(count for path, count in server.requests.items() if path.endswith("depth"))

        def limited() -> float:
            return sum(
                feed.metric("hedgerow_feed_failed_requests_total", instrument=symbol, trouble="rate limited")
                for symbol in (SPOT, PERP)
            )

        server.failing = [(418, {"Retry-After": "2"})]
        await feed.until("the refusal", lambda: limited() == 1)
        refused_s, count = time.monotonic(), asked()
        await feed.until("another question", lambda: asked() > count + 1)
        # One question of the other instrument may have been on its way when the refusal came.
        assert time.monotonic() - refused_s > 1.5
        await feed.shows_newest(SPOT)


async def test_rest_alone_follows_the_book(server: BinanceServer) -> None:
    async with running_feed(server, (SPOT, PERP), sockets=False, poll_ms=50) as feed:
        with true_to(server, feed):
            for symbol in (SPOT, PERP):
                for _ in range(5):
                    await feed.step(symbol)
    assert server.connections == {"spot": [], "linear": []}
    newest = feed.of(PERP)[-1]
    assert len(newest.bids) == 50
    assert newest.source_time_ns == server.markets["linear"].event_ms * 1_000_000


async def test_a_frame_that_is_no_json_costs_a_reconnect_and_no_wrong_book(
    perp_server: BinanceServer,
) -> None:
    async with running_feed(perp_server, (PERP,), HASTY) as feed:
        with true_to(perp_server, feed):
            await feed.subscribed(PERP)
            await perp_server.tell("linear", '{"e":"depthUpdate","s":"BTCUSDT","U":')
            await perp_server.advance("linear", 3)
            await feed.shows_newest(PERP)
            await feed.until("a new socket", lambda: len(perp_server.connections["linear"]) >= 2)
            await feed.until("subscribed", lambda: perp_server.subscribed("linear"))
            await feed.step(PERP, 2)


@pytest.mark.parametrize(
    ("level", "word"),
    [
        (["NaN", "1"], "not finite"),
        (["61800.20", "NaN"], "not finite"),
        (["99999.00", "1"], "crossed"),
        (["price", "1"], "malformed"),
        (["61800.20", "-3"], "zero"),
    ],
)
async def test_an_unusable_book_replaces_the_last_good_one_and_is_taken_anew(
    perp_server: BinanceServer, level: list[str], word: str
) -> None:
    market = perp_server.markets["linear"]
    async with running_feed(perp_server, (PERP,), poll_ms=60_000) as feed:
        with true_to(perp_server, feed):
            await feed.subscribed(PERP)
            await feed.step(PERP, 2)
            bad = {
                **market.pending[0].message,
                "u": market.last_id + 1,
                "pu": market.last_id,
                "b": [level],
                "a": [],
            }
            await perp_server.tell("linear", json.dumps(bad))
            await feed.until("an invalid state", lambda: not feed.of(PERP)[-1].valid)
            assert feed.of(PERP)[-1].reason.startswith(word)
            await feed.until("a valid one", lambda: feed.of(PERP)[-1].valid)
            await feed.shows_newest(PERP)


async def test_an_instrument_that_the_venue_does_not_list_is_refused_at_start(
    perp_server: BinanceServer,
) -> None:
    perp_server.listed = {"spot": ["BTC", "XRP"], "linear": ["XRP"]}
    context = feed_context(perp_server.url, (SPOT, PERP))
    with pytest.raises(
        SettingsError, match=r"HEDGEROW_FEED_SYMBOLS: binance does not list BTC/USDT:USDT; .* BTC/USDT;"
    ):
        await venue_feed(True, QUICK)(context, lambda record: None)


async def test_a_venue_that_ccxt_does_not_know_is_refused_at_start() -> None:
    context = feed_context("http://127.0.0.1:1", (SPOT,), venue="binanse")
    with pytest.raises(SettingsError, match=r"HEDGEROW_FEED_VENUE: 'binanse' is no venue.*binance"):
        await venue_feed(True, QUICK)(context, lambda record: None)


async def test_a_venue_that_is_away_at_the_start_is_waited_for(perp_server: BinanceServer) -> None:
    away = feed_context("http://127.0.0.1:1", (PERP,))
    task = asyncio.ensure_future(venue_feed(True, QUICK)(away, lambda record: None))
    conditions = away.readiness
    deadline = time.monotonic() + 30
    while "next attempt" not in conditions.detail:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert (conditions.ok, conditions.outage) == (False, True)
    away.stopping.set()
    await asyncio.wait_for(task, 30)
