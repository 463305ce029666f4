"""What a live feed counts, in one place so that dashboards can be checked against it."""

import time
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge

from hedgerow_ingestion.live_book import LiveBook


class FeedMetrics:
    """Registered once per process. `source` is `socket` or `rest`, `trouble` a `Trouble`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._books = Counter(
            "hedgerow_feed_books_total",
            "Books that the venue told",
            ("instrument", "source"),
            registry=registry,
        )
        self.gaps = Counter(
            "hedgerow_feed_gaps_total",
            "Gaps in the sequence of a socket's messages",
            ("instrument",),
            registry=registry,
        )
        self.reconnects = Counter(
            "hedgerow_feed_reconnects_total",
            "Sockets that were opened anew, by why",
            ("instrument", "trouble"),
            registry=registry,
        )
        self.failed_requests = Counter(
            "hedgerow_feed_failed_requests_total",
            "REST questions without a book for an answer, by why",
            ("instrument", "trouble"),
            registry=registry,
        )
        self._silence = Gauge(
            "hedgerow_feed_silence_seconds",
            "Since the venue last told a book",
            ("instrument", "source"),
            registry=registry,
        )
        self._age = Gauge(
            "hedgerow_feed_age_seconds",
            "Since the venue last vouched for the book that goes out",
            ("instrument",),
            registry=registry,
        )
        self._told_s: dict[tuple[str, str], float] = {}

    def follow(self, instrument: str, live: LiveBook, sources: tuple[str, ...]) -> None:
        """Show the instrument from now on; nothing told yet counts from now."""
        started_ns = time.time_ns()
        self._age.labels(instrument).set_function(
            lambda: (time.time_ns() - (live.vouched_ns or started_ns)) / 1e9
        )
        self.gaps.labels(instrument)
        for source in sources:
            place = instrument, source
            self._books.labels(*place)
            self._told_s[place] = time.monotonic()
            self._silence.labels(*place).set_function(partial(self._silent_s, place))

    def _silent_s(self, place: tuple[str, str]) -> float:
        return time.monotonic() - self._told_s[place]

    def told(self, instrument: str, source: str) -> None:
        self._books.labels(instrument, source).inc()
        self._told_s[instrument, source] = time.monotonic()
