"""What the executor counts."""

import msgspec
import prometheus_client


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    intents: prometheus_client.Counter
    refusals: prometheus_client.Counter
    unknown_open: prometheus_client.Gauge
    unknown_overdue: prometheus_client.Gauge
    discrepancies: prometheus_client.Gauge


def build_metrics(registry: prometheus_client.CollectorRegistry) -> Metrics:
    """Register the executor's metrics."""
    return Metrics(
        intents=prometheus_client.Counter(
            "hedgerow_intents_total", "Steps of intents, by the state entered", ["state"], registry=registry
        ),
        refusals=prometheus_client.Counter(
            "hedgerow_refusals_total",
            "Intents that a control refused, by its code",
            ["code"],
            registry=registry,
        ),
        unknown_open=prometheus_client.Gauge(
            "hedgerow_intents_unknown",
            "Intents whose order's fate is not known now",
            ["account"],
            registry=registry,
        ),
        unknown_overdue=prometheus_client.Gauge(
            "hedgerow_intents_unknown_overdue",
            "Unknown intents past their strategy's execution.unknownDeadline: a person should look",
            ["account"],
            registry=registry,
        ),
        discrepancies=prometheus_client.Gauge(
            "hedgerow_reconciliation_discrepancies",
            "Differences between venue and ledger at the last reconciliation",
            ["account"],
            registry=registry,
        ),
    )
