"""What the recorder counts."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class RecorderMetrics:
    """Times in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rows = Counter(
            "hedgerow_recorder_rows_total", "Rows committed to history", ["table"], registry=registry
        )
        self.batch_seconds = Histogram(
            "hedgerow_recorder_batch_seconds",
            "From beginning to write a batch to its commit, the database's absences included",
            buckets=_SECONDS,
            registry=registry,
        )
        self.lost = Counter(
            "hedgerow_recorder_lost_messages_total",
            "Messages that Kafka let go of before they were recorded",
            ["topic"],
            registry=registry,
        )
        self.minutes = Counter(
            "hedgerow_recorder_rollup_minutes_total",
            "Minutes whose rollups were made anew",
            registry=registry,
        )
        self._lag = Gauge(
            "hedgerow_recorder_lag_seconds",
            "Age of the oldest message that was read and is not committed; 0 when there is none",
            registry=registry,
        )

    def show_lag(self, oldest_ms: Callable[[], int | None]) -> None:
        """Have the lag worked out whenever it is asked for, also while nothing moves."""

        def lag() -> float:
            since_ms = oldest_ms()
            return 0.0 if since_ms is None else max(time.time() - since_ms / 1000, 0.0)

        self._lag.set_function(lag)
