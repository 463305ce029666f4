"""What a feed is: market data from one kind of source, as book states in the newest-wins sense."""

from collections.abc import Awaitable, Callable

from hedgerow.schemas.records import BookState, MarketReset
from hedgerow.streams.context import Context

MarketRecord = BookState | MarketReset
# Puts one record on `market.raw`; never blocks.
Send = Callable[[MarketRecord], None]
# Runs until `context.stopping` is set. Sequences rise per instrument over restarts as well; a state that cannot be
# relied on is sent as not valid, never left out.
Feed = Callable[[Context, Send], Awaitable[None]]
