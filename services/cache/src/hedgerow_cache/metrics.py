"""The cache writer's metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hedgerow.adapters.cache_store import OLDER, REPEATED, WRITTEN

OUTCOMES = {WRITTEN: "written", REPEATED: "repeated", OLDER: "older"}
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class CacheMetrics:
    """Registered once per process. Times in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.states = Counter(
            "hedgerow_cache_states_total",
            "States sent to the cache: written and told, repeated (was there), older (a newer one was there)",
            ("kind", "outcome"),
            registry=registry,
        )
        self.failed = Counter(
            "hedgerow_cache_write_failures_total", "Batches that a master did not take", registry=registry
        )
        self.unreadable = Counter(
            "hedgerow_cache_unreadable_messages_total", "Messages left out", ("topic",), registry=registry
        )
        self.waiting = Gauge(
            "hedgerow_cache_states_waiting", "States that wait to be written", registry=registry
        )
        self.masters_away = Gauge(
            "hedgerow_cache_masters_away", "Masters that do not answer", registry=registry
        )
        self.seconds = Histogram(
            "hedgerow_cache_write_seconds", "One batch to one master", buckets=_BUCKETS, registry=registry
        )
