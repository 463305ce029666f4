"""The gateway's metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class GatewayMetrics:
    """Registered once per process. Times in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.received = Counter(
            "hedgerow_client_orders_received_total",
            "Client orders recorded, each once however often it was sent",
            ("symbol", "side", "order_type"),
            registry=registry,
        )
        self.filled = Counter(
            "hedgerow_client_orders_filled_total",
            "Client orders filled, at entry or after resting",
            ("symbol", "side"),
            registry=registry,
        )
        self.resting = Gauge("hedgerow_client_orders_resting", "Client orders that wait", registry=registry)
        self.refused = Counter(
            "hedgerow_gateway_refusals_total",
            "Requests answered with a problem, by the end of its type",
            ("code", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "hedgerow_gateway_request_seconds",
            "From the request's head to its answer",
            ("method", "path"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self.keys = Gauge("hedgerow_gateway_keys", "API keys that are known", registry=registry)
        self.keys_unreadable = Gauge(
            "hedgerow_gateway_keys_unreadable",
            "1 while the folder of API keys cannot be used, and those known before stay valid",
            registry=registry,
        )
        self.shown = Counter(
            "hedgerow_gateway_states_shown_total",
            "States shown by /risk, by where they were from",
            ("kind", "source"),
            registry=registry,
        )
        self.unpublished = Counter(
            "hedgerow_gateway_books_not_published_total",
            "Changed books left to the books role's heartbeat because Kafka was away",
            registry=registry,
        )
