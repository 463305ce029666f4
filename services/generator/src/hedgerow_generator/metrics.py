"""What the generator counts."""

from prometheus_client import CollectorRegistry, Counter


class GeneratorMetrics:
    """Registered once per process. A posted order ends accepted or refused, an accepted one filled or cancelled."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"hedgerow_generator_{name}_total", text, labels, registry=registry)

        self.posted = counter(
            "orders_posted", "Client orders posted, each once however often it was sent", "symbol"
        )
        self.accepted = counter("orders_accepted", "Client orders that the gateway took", "symbol")
        self.filled = counter("orders_filled", "Client orders known to be filled", "symbol")
        self.cancelled = counter("orders_cancelled", "Client orders known to be cancelled", "symbol")
        self.refused = counter(
            "orders_refused", "Client orders that the gateway refused, by its reason", "code"
        )
        self.unpriced = counter(
            "orders_unpriced", "Planned orders left out because there was no quote", "code"
        )
        self.unanswered = counter(
            "requests_unanswered", "Requests sent again because their outcome was not known", "reason"
        )
