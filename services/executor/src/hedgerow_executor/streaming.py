"""The venue's private stream: news of an order has it looked at over REST at once, instead of at the next poll.

Only a hint: what is written down is what REST answers, so that a message twice, late or never changes nothing.
"""

import asyncio

import structlog

from hedgerow.adapters.venue import StreamLost, VenueUnavailable, VenueUnfit
from hedgerow_executor.account import Account

RECONNECT_S = 1.0
# How long the venue waits for a sign of life before it cancels what we left open there.
DEAD_MAN_S = 10

_log = structlog.get_logger()


async def stream_loop(account: Account) -> None:
    """Listen, and connect again whenever the stream is lost."""
    while not account.context.stopping.is_set():
        try:
            await _listen(account)
        except (StreamLost, VenueUnavailable, VenueUnfit) as error:
            _log.warning("stream lost, the poll goes on", account=account.name, error=str(error))
        finally:
            account.metrics.stream_up.labels(account.name).set(0)
        account.metrics.stream_reconnects.labels(account.name).inc()
        await asyncio.sleep(RECONNECT_S)


async def _listen(account: Account) -> None:
    stream = account.venue.open_stream()
    if stream is None:
        await account.context.stopping.wait()
        return
    try:
        await stream.open()
        await account.venue.cancel_all_when_silent(DEAD_MAN_S)
        account.metrics.stream_up.labels(account.name).set(1)
        # What happened while nobody listened.
        account.stir_all()
        while not account.context.stopping.is_set():
            for name in await stream.news():
                account.stir(name)
    finally:
        await stream.close()
