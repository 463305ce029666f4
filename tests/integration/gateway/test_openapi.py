"""What the OpenAPI document promises, tried by schemathesis on a running gateway: no 5xx, nothing undocumented."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from gateway_process import KEYS, Gateway, Quotes
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    use_after_free,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    ignored_auth,
    use_after_free,
]
OPERATIONS = [
    ("POST", "/orders"),
    ("GET", "/orders"),
    ("GET", "/orders/{order_id}"),
    ("DELETE", "/orders/{order_id}"),
    ("GET", "/quotes"),
    ("POST", "/hedge"),
    ("GET", "/positions"),
    ("GET", "/risk"),
    ("GET", "/books"),
    ("GET", "/books/{name}"),
    ("PUT", "/books/{name}"),
    ("POST", "/halts"),
    ("GET", "/halts"),
    ("DELETE", "/halts/{halt_id}"),
]
PATIENCE_S = 60.0


class Door:
    """Where a gateway answers, and what was answered how often, by method, path and status."""

    def __init__(self, gateway: Gateway) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while gateway.port("gateway open") is None:
            assert time.monotonic() < deadline, gateway.log_end()
            time.sleep(0.05)
        self.url = f"http://127.0.0.1:{gateway.port('gateway open')}"
        self.answers: Counter[tuple[str, str, int]] = Counter()


@pytest.fixture(scope="module")
def door(
    kafka: str, module_ledger_dsn: str, redis_cluster: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("gateway")
    gateway = Gateway(folder, kafka, module_ledger_dsn, HEDGEROW_REDIS=redis_cluster)
    quotes = Quotes(kafka)
    quotes.repeat("BTC/USDT", 60_000.0, 60_010.0)
    quotes.repeat("BTC/USDT:USDT", 60_000.0, 60_010.0)
    try:
        yield Door(gateway)
    finally:
        quotes.close()
        gateway.end()


@pytest.fixture(scope="module")
def api(door: Door) -> Any:
    return schemathesis.openapi.from_url(f"{door.url}/openapi.json")


def key_for(method: str, path: str) -> str:
    """The key that may do it."""
    if method == "GET":
        return KEYS["vera"][1]
    return KEYS["rita" if path.startswith("/halts") else "alice"][1]


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_that_the_document_promises(
    door: Door, api: Any, method: str, path: str, mode: GenerationMode
) -> None:
    headers = {"Authorization": f"Bearer {key_for(method, path)}"}

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def answered(case: Any) -> None:
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS, headers=headers)
        door.answers[method, path, response.status_code] += 1

    answered()


def test_every_operation_was_tried_and_none_failed(door: Door) -> None:
    document = requests.get(f"{door.url}/openapi.json", timeout=30).json()
    assert {(method.upper(), path) for path, item in document["paths"].items() for method in item} == {
        *OPERATIONS
    }
    for method, path in OPERATIONS:
        statuses = {found[2]: count for found, count in door.answers.items() if found[:2] == (method, path)}
        print(method, path, dict(sorted(statuses.items())))
        assert statuses
        assert not [status for status in statuses if status >= 500]


def test_the_document_has_an_example_of_every_body_and_problems_everywhere(door: Door) -> None:
    document = requests.get(f"{door.url}/openapi.json", timeout=30).json()
    schemas = document["components"]["schemas"]
    for name in ("OrderRequest", "OrderAnswer", "BookRequest", "HaltRequest", "HedgeRequest", "Problem"):
        assert schemas[name]["examples"], name
    for item in document["paths"].values():
        for operation in item.values():
            assert "application/problem+json" in operation["responses"]["503"]["content"]
            assert operation["security"]


def test_the_page_for_people_is_there(door: Door) -> None:
    assert "swagger" in requests.get(f"{door.url}/docs", timeout=30).text
