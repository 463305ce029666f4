"""The feed that plays tapes: ingestion and the exchange stand at the same place of the same ones."""

import asyncio
import time

from hedgerow.adapters.tapes import load_tapes
from hedgerow.domain.instruments import LISTINGS
from hedgerow.streams.context import Context
from hedgerow.streams.settings import Settings
from hedgerow.streams.waiting import stopped_within
from hedgerow_ingestion.feed import Send
from hedgerow_ingestion.replay import Replay

_LONGEST_WAIT_S = 0.5
_SHORTEST_WAIT_S = 0.001


async def follow_tapes(context: Context, send: Send) -> None:
    """Send what is due of every listed instrument until asked to stop.

    Raises:
        FileNotFoundError: the recordings folder holds none, or lacks one of an underlying's.
        ValueError: a recording or a setting cannot be used.
    """
    context.readiness.set("tape", False, "loading tapes")
    replays = await asyncio.to_thread(load_replays, context.settings)
    context.readiness.set("tape", True)
    while not context.stopping.is_set():
        for replay in replays:
            for record in replay.due(time.time_ns()):
                send(record)
        await stopped_within(context.stopping, _wait_s(min(replay.next_due_ns() for replay in replays)))


def load_replays(settings: Settings) -> list[Replay]:
    """One replay per listed instrument. Blocks while the tapes are made."""
    return [
        Replay(tape, settings.session_start_ns, settings.replay_speed, settings.max_jump_bps)
        for tape in load_tapes(settings.tapes, LISTINGS).values()
    ]


def _wait_s(due_ns: int) -> float:
    return min(max((due_ns - time.time_ns()) / 1e9, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
