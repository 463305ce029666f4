"""What an SRE looks at: readiness, lag, throughput and latency stage by stage, dead letters, refusals."""

from grafana_foundation_sdk.builders import dashboard, timeseries

from hedgerow_local.dashboards.panels import Query, board, graph, number


def pipeline() -> dashboard.Dashboard:
    """The dashboard `hedgerow-pipeline`."""
    return board(
        "hedgerow-pipeline",
        "Hedgerow: pipeline",
        "Readiness, lag, throughput and latency of every role.",
        number(
            "Roles not ready",
            "A condition does not hold.",
            "count(hedgerow_ready == 0) or vector(0)",
            red_from=1,
        ),
        number(
            "Dead letters",
            "Messages that could not be used, in the last hour.",
            "sum(increase(hedgerow_dead_letters_total[1h]))",
            red_from=1,
        ),
        number("Lag", "Messages not yet taken up.", "sum(hedgerow_consumer_lag_messages)", red_from=10_000),
        number(
            "Tick to claim, p99",
            "The p99 of each stage from receipt to claim, added up: an upper bound.",
            "sum(" + _quantile("hedgerow_hop_seconds", 0.99, "role") + ") + "
            "max(" + _quantile("hedgerow_claim_seconds", 0.99, "account") + ")",
            unit="s",
            red_from=1,
        ),
        number(
            "Venue answer, p99",
            "From the claim to the venue's acceptance.",
            "max(" + _quantile("hedgerow_venue_answer_seconds", 0.99, "account") + ")",
            unit="s",
            red_from=1,
        ),
        number(
            "Workers up",
            "Processes that Prometheus reaches.",
            'sum(up{job=~".*hedgerow.*"})',
            red_from=None,
        ),
        _latency(0.5),
        _latency(0.99),
        _messages("Messages taken up", "hedgerow_messages_received_total"),
        _messages("Messages sent", "hedgerow_messages_sent_total"),
        graph(
            "Lag",
            "Messages not yet taken up.",
            Query("sum by (role, topic) (hedgerow_consumer_lag_messages)", "{{role}} {{topic}}"),
        ),
        graph(
            "Dead letters and stale states",
            "Per second. Stale states are dropped because a newer one is known: no loss.",
            Query("sum by (role) (rate(hedgerow_dead_letters_total[5m]))", "{{role}} dead letters"),
            Query("sum by (role) (rate(hedgerow_stale_messages_total[5m]))", "{{role}} stale"),
            unit="ops",
        ),
        graph(
            "Time in one step, p99",
            "Decoding included.",
            Query(_quantile("hedgerow_step_seconds", 0.99, "role"), "{{role}}"),
            unit="s",
        ),
        graph(
            "Gateway requests, p99",
            "From a request's head to its answer.",
            Query(_quantile("hedgerow_gateway_request_seconds", 0.99, "path"), "{{path}}"),
            unit="s",
        ),
        graph(
            "Gateway refusals",
            "Requests answered with a problem, per second.",
            Query("sum by (code, status) (rate(hedgerow_gateway_refusals_total[1m]))", "{{status}} {{code}}"),
            unit="reqps",
        ),
        graph(
            "Processor and memory",
            "Cores in use and resident memory, per worker.",
            Query("sum by (instance) (rate(process_cpu_seconds_total[1m]))", "{{instance}} cores"),
            Query("sum by (instance) (process_resident_memory_bytes) / 1e9", "{{instance}} GB"),
        ),
    )


def _latency(quantile: float) -> timeseries.Panel:
    return graph(
        f"Latency per stage, p{quantile * 100:.0f}",
        "From the role before taking the input up to this one taking it up.",
        Query(_quantile("hedgerow_hop_seconds", quantile, "role"), "to {{role}}"),
        Query(_quantile("hedgerow_claim_seconds", quantile, "account"), "decided to claimed"),
        Query(_quantile("hedgerow_venue_answer_seconds", quantile, "account"), "claimed to accepted"),
        unit="s",
    )


def _messages(title: str, counter: str) -> timeseries.Panel:
    return graph(
        title,
        "Per second.",
        Query(f"sum by (role, topic) (rate({counter}[1m]))", "{{role}} {{topic}}"),
        unit="ops",
    )


def _quantile(histogram: str, quantile: float, by: str) -> str:
    return f"histogram_quantile({quantile}, sum by ({by}, le) (rate({histogram}_bucket[1m])))"
