"""What the operator counts."""

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds."""

    reconciles: Counter
    reconcile_seconds: Histogram
    queued: Gauge
    oldest_queued_seconds: Gauge
    watch_events: Counter
    last_resync: Gauge
    requests: Counter
    published: Counter
    conditions: Gauge


def build_metrics(registry: CollectorRegistry) -> Metrics:
    """Register the operator's metrics."""
    return Metrics(
        reconciles=Counter(
            "hedgerow_operator_reconciles_total",
            "Reconciliations, by kind and result (done, waiting, failed)",
            ["kind", "result"],
            registry=registry,
        ),
        reconcile_seconds=Histogram(
            "hedgerow_operator_reconcile_seconds",
            "Time of one reconciliation",
            ["kind"],
            buckets=_BUCKETS,
            registry=registry,
        ),
        queued=Gauge("hedgerow_operator_queued", "Objects that wait to be reconciled", registry=registry),
        oldest_queued_seconds=Gauge(
            "hedgerow_operator_oldest_queued_seconds",
            "How long the first of the queue has been waiting",
            registry=registry,
        ),
        watch_events=Counter(
            "hedgerow_operator_watch_events_total",
            "What the watches showed, by kind",
            ["kind"],
            registry=registry,
        ),
        last_resync=Gauge(
            "hedgerow_operator_last_resync_timestamp_seconds",
            "When everything was last listed and compared (Unix time)",
            registry=registry,
        ),
        requests=Counter(
            "hedgerow_operator_api_requests_total",
            "Requests to the API server beside the watches",
            ["verb", "resource"],
            registry=registry,
        ),
        published=Counter(
            "hedgerow_operator_generations_published_total",
            "Generations that were made live",
            registry=registry,
        ),
        conditions=Gauge(
            "hedgerow_operator_strategies",
            "Strategies by condition and its status",
            ["condition", "status"],
            registry=registry,
        ),
    )
