"""What the executor counts and times."""

import msgspec
import prometheus_client

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    intents: prometheus_client.Counter
    refusals: prometheus_client.Counter
    filled: prometheus_client.Counter
    claim_seconds: prometheus_client.Histogram
    answer_seconds: prometheus_client.Histogram
    cancel_seconds: prometheus_client.Histogram
    unknown_open: prometheus_client.Gauge
    unknown_overdue: prometheus_client.Gauge
    discrepancies: prometheus_client.Gauge
    ledger_up: prometheus_client.Gauge
    cancels: prometheus_client.Counter
    not_sent: prometheus_client.Counter
    order_waits: prometheus_client.Counter
    clock_offset: prometheus_client.Gauge
    keys_refused: prometheus_client.Gauge


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
        filled=prometheus_client.Counter(
            "hedgerow_hedge_filled_contracts_total",
            "Contracts filled by intents that have ended",
            ["instrument", "side"],
            registry=registry,
        ),
        claim_seconds=prometheus_client.Histogram(
            "hedgerow_claim_seconds",
            "From the decision's commit to the claim of its intent",
            ["account"],
            buckets=_SECONDS,
            registry=registry,
        ),
        answer_seconds=prometheus_client.Histogram(
            "hedgerow_venue_answer_seconds",
            "From the claim of an intent to the venue's acceptance of its order",
            ["account"],
            buckets=_SECONDS,
            registry=registry,
        ),
        cancel_seconds=prometheus_client.Histogram(
            "hedgerow_cancel_seconds",
            "From the decision to take an order back to its end, with what it filled until then",
            ["account"],
            buckets=_SECONDS,
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
        ledger_up=prometheus_client.Gauge(
            "hedgerow_executor_ledger_up",
            "1 while the executor reaches its ledger; at 0 nothing is sent",
            ["account"],
            registry=registry,
        ),
        cancels=prometheus_client.Counter(
            "hedgerow_halt_cancels_total",
            "Cancels sent for orders that were open under a halt, or while the ledger was away",
            ["account"],
            registry=registry,
        ),
        not_sent=prometheus_client.Counter(
            "hedgerow_orders_not_sent_total",
            "Orders that the venue turned away for too many requests, before it looked at them",
            ["account"],
            registry=registry,
        ),
        order_waits=prometheus_client.Counter(
            "hedgerow_order_rate_waits_total",
            "Times that an intent waited unclaimed because the venue wants no order now",
            ["account"],
            registry=registry,
        ),
        clock_offset=prometheus_client.Gauge(
            "hedgerow_venue_clock_offset_seconds",
            "How far the venue's clock is ahead of ours",
            ["account"],
            registry=registry,
        ),
        keys_refused=prometheus_client.Gauge(
            "hedgerow_venue_keys_refused",
            "1 while the keys on disk cannot be used and the old ones are",
            ["account"],
            registry=registry,
        ),
    )
