"""Whatever happens between a venue and ccxt, what goes out is a book that the venue had."""

import json
from typing import NamedTuple

from binance_server import BinanceServer, recorded_market
from feed_rig import HASTY, SPOT, running_feed, true_to
from hypothesis import given, settings
from hypothesis import strategies as st


class Step(NamedTuple):
    """What happens to the venue's next messages."""

    fault: str
    count: int


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            ["none", "none", "dropped", "doubled", "swapped", "closed", "no snapshot", "stalled"]
        ),
        st.integers(min_value=1, max_value=4),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=8)
@given(steps)
async def test_after_any_faults_the_valid_book_equals_the_venues(story: list[Step]) -> None:
    """I1: every valid state is a touch that the venue had, in the venue's order; sequences and times rise.
    I2: once the faults are over, the book that goes out is the venue's, to the fiftieth level.
    """
    async with (
        BinanceServer(recorded_market("spot")).running() as server,
        running_feed(server, (SPOT,), HASTY, poll_ms=100) as feed,
    ):
        with true_to(server, feed):
            await feed.subscribed(SPOT)
            for step in story:
                await happen(server, step)
            server.failing = []
            server.markets["spot"].stalled = False
            await server.advance("spot")
            await feed.shows_newest(SPOT)


async def happen(server: BinanceServer, step: Step) -> None:
    market = server.markets["spot"]
    if step.fault == "dropped":
        market.withheld = step.count
    elif step.fault == "doubled":
        await server.tell("spot", json.dumps(market.pending[0].message))
    elif step.fault == "swapped":
        # The one after the next comes first; the next comes late, and both come again in their turn.
        await server.tell("spot", json.dumps(market.pending[1].message))
    elif step.fault == "closed":
        await server.close_sockets("spot")
    elif step.fault == "no snapshot":
        server.failing = [(503, {})] * step.count
    elif step.fault == "stalled":
        market.stalled = not market.stalled
    await server.advance("spot", step.count)
