"""What travels in the headers."""

import re

import pytest

from hedgerow.streams import trace


def test_a_start_carries_cause_time_and_a_w3c_trace() -> None:
    headers = trace.start("quote:BTC/USDT:17", 1_000)
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01", headers["traceparent"])
    assert trace.read_cause(headers) == "quote:BTC/USDT:17"
    assert trace.read_stages(headers) == {"received": 1_000}
    assert trace.trace_id(headers) == headers["traceparent"].decode().split("-")[1]


def test_carrying_on_keeps_trace_and_cause_and_adds_the_stage() -> None:
    first = trace.start("quote:BTC/USDT:17", 1_000)
    second = trace.carry(trace.carry(first, "enrichment", 2_000), "router", 3_000)
    assert second["traceparent"] == first["traceparent"]
    assert trace.read_cause(second) == "quote:BTC/USDT:17"
    assert trace.read_stages(second) == {"received": 1_000, "enrichment": 2_000, "router": 3_000}
    assert trace.last_stage_ns(second) == 3_000


def test_a_message_without_headers_gets_a_trace_of_its_own() -> None:
    headers = trace.carry({}, "risk", 5)
    assert trace.trace_id(headers)
    assert trace.read_stages(headers) == {"risk": 5}
    assert trace.last_stage_ns({}) is None
    assert trace.trace_id({}) == ""


def test_starts_differ_by_cause_and_by_time() -> None:
    ids = {trace.trace_id(trace.start(cause, now)) for cause in ("a", "b") for now in (1, 2)}
    assert len(ids) == 4


def test_unreadable_stages_are_refused_with_the_entry_at_fault() -> None:
    with pytest.raises(ValueError, match="'risk' is not name=ns"):
        trace.read_stages({"hedgerow-stages": b"received=1;risk"})
