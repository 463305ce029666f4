"""Ready means that every condition holds."""

from prometheus_client import CollectorRegistry

from hedgerow.streams.metrics import WorkerMetrics
from hedgerow.streams.readiness import Conditions, RoleReadiness


def test_what_does_not_hold_is_named_with_its_reason_and_shown() -> None:
    registry = CollectorRegistry()
    conditions = Conditions(["risk", "router"], WorkerMetrics(registry))

    def shown(role: str) -> float | None:
        return registry.get_sample_value("hedgerow_ready", {"role": role})

    risk = RoleReadiness(conditions, "risk")
    risk.set("state", False, "is loading")
    assert conditions.missing() == {"risk.state": "is loading"}
    assert (shown("risk"), shown("router")) == (0, 1)

    conditions.set(Conditions.PROCESS, "kafka", False, "no answer", outage=True)
    risk.set("state", True)
    assert conditions.missing("router") == {"process.kafka": "no answer"}
    assert (shown("risk"), shown("router")) == (0, 0)

    conditions.set(Conditions.PROCESS, "kafka", True)
    assert conditions.missing() == {}
    assert (shown("risk"), shown("router")) == (1, 1)


def test_only_an_outage_that_lasts_excuses_and_only_where_it_counts() -> None:
    conditions = Conditions(["risk", "router"], WorkerMetrics(CollectorRegistry()))
    conditions.set("risk", "state", False)
    assert not conditions.outage("risk")
    conditions.set("risk", "ledger", False, outage=True)
    assert conditions.outage("risk")
    assert not conditions.outage("router")
    conditions.set("risk", "ledger", True, outage=True)
    assert not conditions.outage("risk")
    conditions.set(Conditions.PROCESS, "kafka", False, outage=True)
    assert conditions.outage("router")
