"""What is not recorded, drawn from the scenario's seed: what clients trade, and scores. Pure.

Each purpose draws from a stream of its own, so that one more here changes nothing there.
"""

import random
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from hedgerow.backtest.scenario import Clients, ScoreWalk
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.orders import Side

HOUR_NS = 3_600_000_000_000
PULL = 0.1


class ClientTrade(msgspec.Struct, frozen=True):
    """`side`: the client's; `quantity`: on the instrument's lot."""

    time_ns: int
    side: Side
    quantity: Decimal


def client_trades(clients: Clients, seed: int, start_ns: int) -> Iterator[ClientTrade]:
    """For ever, in the order of their times."""
    drawn = random.Random(f"{seed}:clients:{clients.book}:{clients.instrument}")
    lot = find_instrument(clients.instrument).lot_size
    most = int(clients.largest / lot)
    time_ns = start_ns
    while True:
        time_ns += max(round(drawn.expovariate(clients.per_hour) * HOUR_NS), 1)
        side = drawn.choice((Side.BUY, Side.SELL))
        yield ClientTrade(time_ns, side, drawn.randint(1, most) * lot)


def score_walk(walk: ScoreWalk, seed: int) -> Iterator[float]:
    """For ever, one each `every_s`; the first is the mean."""
    drawn = random.Random(f"{seed}:score:{walk.asset}")
    score = walk.mean
    while True:
        yield round(score, 4)
        score = min(max(score + PULL * (walk.mean - score) + drawn.gauss(0.0, walk.step), 0.0), 1.0)
