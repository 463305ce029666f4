"""The worker's own metrics, in one place so that dashboards can be checked against them."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_STEP_BUCKETS = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_HOP_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class WorkerMetrics:
    """Registered once per process. Times in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"hedgerow_{name}_total", text, ("role", *labels), registry=registry)

        self.received = counter("messages_received", "Messages taken up", "topic")
        self.sent = counter("messages_sent", "Messages handed to the producer", "topic")
        self.dead = counter("dead_letters", "Messages that could not be used", "topic")
        self.stale = counter("stale_messages", "States dropped because a newer one is known")
        self.lag = Gauge(
            "hedgerow_consumer_lag_messages",
            "Messages not yet taken up",
            ("role", "topic", "partition"),
            registry=registry,
        )
        self.ready = Gauge(
            "hedgerow_ready", "1 when every condition of the role holds", ("role",), registry=registry
        )
        self.step_seconds = Histogram(
            "hedgerow_step_seconds",
            "Time in one step, decoding included",
            ("role",),
            buckets=_STEP_BUCKETS,
            registry=registry,
        )
        self.hop_seconds = Histogram(
            "hedgerow_hop_seconds",
            "From the role before taking the input up to this one taking it up",
            ("role",),
            buckets=_HOP_BUCKETS,
            registry=registry,
        )


_of_registry: WeakKeyDictionary[CollectorRegistry, WorkerMetrics] = WeakKeyDictionary()


def worker_metrics(registry: CollectorRegistry) -> WorkerMetrics:
    """The worker's metrics in this registry, registered at the first call."""
    found = _of_registry.get(registry)
    if found is None:
        found = _of_registry[registry] = WorkerMetrics(registry)
    return found


def stale_counter(registry: CollectorRegistry, role: str) -> Callable[[], None]:
    """What a stepper gives to `Newest`: counts a state that was dropped."""
    return worker_metrics(registry).stale.labels(role).inc
