"""Changed books onto the `books` topic, as a hint: they are in the ledger first, and the books role repeats them."""

from collections.abc import Callable

import structlog

from hedgerow.schemas.records import ClientBook
from hedgerow.streams import trace
from hedgerow.streams.books import publish_book
from hedgerow.streams.context import Producer
from hedgerow.streams.producer import DeliveryFailed
from hedgerow_gateway.metrics import GatewayMetrics

_log = structlog.get_logger(__name__)


class BookPublisher:
    """Never fails a request: what it publishes is committed already.

    Args:
        reachable: whether Kafka answers. While it does not, nothing is queued: a message that cannot be delivered in
            time would end the process, and the heartbeat of the books role heals what was left out.
    """

    def __init__(self, producer: Producer, reachable: Callable[[], bool], metrics: GatewayMetrics) -> None:
        self._producer = producer
        self._reachable = reachable
        self._metrics = metrics

    def publish(self, book: ClientBook, cause: str, now_ns: int) -> None:
        """Send the book. `cause` names what changed it, e.g. `order:<id>`."""
        if self._reachable():
            try:
                publish_book(self._producer, book, trace.start(cause, now_ns))
            except (BufferError, DeliveryFailed) as error:
                _log.warning("book not published", book=book.name, sequence=book.sequence, error=str(error))
            else:
                return
        self._metrics.unpublished.inc()
