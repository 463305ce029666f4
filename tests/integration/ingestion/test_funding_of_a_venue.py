"""A venue's funding goes with its perpetual's book, and nothing waits for it."""

from binance_server import BinanceServer, recorded_market
from feed_rig import PERP, SPOT, running_feed

EIGHT_HOURS_NS = 8 * 3_600_000_000_000


async def test_rate_interval_and_the_last_day_go_with_the_perpetuals_states() -> None:
    server = BinanceServer(recorded_market("spot"), recorded_market("linear"))
    server.funding = ("0.00012345", ["0.0001", "-0.0002", "0.0003", "0.0004", "0.0005"])
    async with server.running(), running_feed(server, (SPOT, PERP), sockets=False, poll_ms=100) as feed:
        await feed.until("it is told", lambda: any(state.funding for state in feed.of(PERP)))
        await feed.until("the coin has a state", lambda: bool(feed.of(SPOT)))
    told = next(state.funding for state in feed.of(PERP) if state.funding)
    assert (told.rate, told.interval_ns) == (0.00012345, EIGHT_HOURS_NS)
    assert told.settled == (0.0003, 0.0004, 0.0005)
    assert not any(state.funding for state in feed.of(SPOT))


async def test_the_books_go_on_without_a_rate() -> None:
    server = BinanceServer(recorded_market("linear"))
    async with server.running(), running_feed(server, (PERP,), sockets=False, poll_ms=100) as feed:
        await feed.until(
            "the venue has refused to tell it",
            lambda: (
                feed.metric("hedgerow_feed_failed_requests_total", instrument=PERP, trouble="malformed")
                + feed.metric("hedgerow_feed_failed_requests_total", instrument=PERP, trouble="disconnected")
                > 0
            ),
        )
        await feed.shows_newest(PERP)
    assert not any(state.funding for state in feed.sent)
