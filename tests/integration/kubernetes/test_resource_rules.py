"""What kubectl applies and what `hedgerow apply -f` reads are held to the same rules, and refused in words."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import hedge_examples
import pytest
from cluster_client import ClusterClient
from execution_cases import LADDER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inventory_cases import EVERY_FIELD
from resource_case import Case
from resource_cases import CASES
from resource_documents import BASES, HALT, STRATEGY, VENUE, Data

from hedgerow.domain.instruments import LISTINGS
from hedgerow.strategy.compile import compile_strategy, compile_venue
from hedgerow.strategy.crds import KINDS, crd_of, schema_of
from hedgerow.strategy.parse import parse_halt, parse_resource
from hedgerow.strategy.problem import Problem
from hedgerow.strategy.rules import KEYWORD
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue

PAPER = hedge_examples.venue(namespace="default", name="paper")


def written(case: Case) -> Data:
    data = deepcopy(BASES[case.kind])
    case.edit(data)
    return data


def problems_of(data: Data) -> list[Problem]:
    """Why a file with this would be refused."""
    found = parse_halt(data) if data["kind"] == "Halt" else parse_resource(data)
    if isinstance(found, HedgeStrategy):
        compiled = compile_strategy(found, {PAPER.key: PAPER}, LISTINGS)
        return compiled if isinstance(compiled, list) else []
    if isinstance(found, Venue):
        venue = compile_venue(found, {}, [])
        return venue if isinstance(venue, list) else []
    return found if isinstance(found, list) else []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_files_and_the_api_server_agree_and_the_refusal_says_where_and_what(
    cluster: ClusterClient, case: Case
) -> None:
    data = written(case)
    refusals, problems = cluster.refusals_of(data), problems_of(data)
    assert bool(refusals) == bool(problems) == bool(case.words), (refusals, problems)
    if case.words:
        said = [refusal for refusal in refusals if refusal.field == case.field]
        assert any(case.words in refusal.words for refusal in said), refusals


def rules_of(schema: Data, path: str = "") -> Iterator[tuple[str, Data, Data]]:
    """Every rule of a schema with the path that its refusal is about, and the schema it stands on."""
    for rule in schema.get(KEYWORD, []):
        yield (path + rule.get("fieldPath", "")).lstrip("."), rule, schema
    for name, field in schema.get("properties", {}).items():
        yield from rules_of(field, f"{path}.{name}")
    if "items" in schema:
        yield from rules_of(schema["items"], f"{path}[]")


def texts_of(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where texts stand in plain data."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        if isinstance(value, str):
            yield (*at, key)
        yield from texts_of(value, (*at, key))


def with_value(data: Data, at: tuple[Any, ...], value: object) -> Data:
    changed = deepcopy(data)
    inner: Any = changed
    for part in at[:-1]:
        inner = inner[part]
    inner[at[-1]] = value
    return changed


HALT_OF_VENUE = {**HALT, "spec": {**HALT["spec"], "target": {"venue": "paper"}}}
STYLES: list[tuple[str, str, Data]] = [
    ("Twap", "twap", {"duration": "10m", "slices": 20}),
    ("Escalation", "escalation", {**LADDER, "secondInstrumentFor": "5s", "retryAfter": "30s"}),
]
TEXTS = [
    (data, ("spec", *at)) for data in (STRATEGY, VENUE, HALT, HALT_OF_VENUE) for at in texts_of(data["spec"])
] + [
    (
        with_value(
            with_value(STRATEGY, ("spec", "execution", "style"), style), ("spec", "execution", name), block
        ),
        ("spec", "execution", name, *at),
    )
    for style, name, block in STYLES
    for at in texts_of(block)
]
BY_RISK = with_value(STRATEGY, ("spec", "policy"), {"type": "InventoryRisk", "inventoryRisk": [EVERY_FIELD]})
TEXTS += [(BY_RISK, ("spec", "policy", "inventoryRisk", 0, *at)) for at in texts_of(EVERY_FIELD)]


@pytest.mark.parametrize(
    ("data", "at"), TEXTS, ids=lambda item: ".".join(map(str, item)) if isinstance(item, tuple) else ""
)
@pytest.mark.parametrize("value", [" ?", "x" * 600, 7, None])
def test_every_text_is_held_to_its_kind_by_both(
    cluster: ClusterClient, data: Data, at: tuple[Any, ...], value: object
) -> None:
    wrong = with_value(data, at, value)
    assert problems_of(wrong)
    refusals = cluster.refusals_of(wrong)
    if value is None and not refusals:
        # The API server takes what is nothing for what is left out, and fills in the default.
        assert not problems_of(without(data, at))
        return
    path = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, at)))
    # Nothing at all is missed by the block around it.
    about = {path, path.rpartition(".")[0]} if value is None else {path}
    assert about & {refusal.field for refusal in refusals}


def without(data: Data, at: tuple[Any, ...]) -> Data:
    changed = deepcopy(data)
    inner: Any = changed
    for part in at[:-1]:
        inner = inner[part]
    del inner[at[-1]]
    return changed


def test_every_rule_was_seen_to_refuse(cluster: ClusterClient, widened: dict[str, str]) -> None:
    seen = [
        (re.sub(r"\[\d+\]", "[]", refusal.field).replace("<nil>", ""), refusal.words)
        for data in [
            *(written(case) for case in CASES if case.words),
            *(with_value(data, at, " ?") for data, at in TEXTS),
        ]
        for refusal in cluster.refusals_of(data)
    ]
    seen += [("spec", refusal.words) for refusal in _changed_halt(cluster)]
    seen += [("spec.account.id", refusal.words) for refusal in _changed_account(cluster)]
    seen += [
        (refusal.field, refusal.words) for data in _widened(widened) for refusal in cluster.refusals_of(data)
    ]
    changed = [*_changed_environment(cluster), *_changed_exchange(cluster, widened)]
    seen += [(refusal.field, refusal.words) for refusal in changed]
    unseen = [
        (kind.name, path, rule["rule"])
        for kind in KINDS
        for path, rule, _ in rules_of(schema_of(kind))
        if not any(at == path and rule["message"].partition("; ")[2] in words for at, words in seen)
    ]
    assert unseen == []


def _changed_halt(cluster: ClusterClient) -> list[Any]:
    return cluster.refusals_of_change(HALT, with_value(HALT, ("spec", "target"), {"venue": "paper"}))


def _changed_account(cluster: ClusterClient) -> list[Any]:
    return cluster.refusals_of_change(VENUE, with_value(VENUE, ("spec", "account", "id"), "hedge-02"))


def test_a_halt_cannot_be_changed_into_another(cluster: ClusterClient) -> None:
    refusals = _changed_halt(cluster)
    assert [refusal.field for refusal in refusals] == ["spec"]
    assert "delete this Halt to release it, and create another" in refusals[0].words
    assert cluster.refusals_of_change(HALT, HALT) == []


def test_a_venue_keeps_its_account_and_may_change_its_limits(cluster: ClusterClient) -> None:
    refusals = _changed_account(cluster)
    assert [refusal.field for refusal in refusals] == ["spec.account.id"]
    assert "declare a Venue of another name" in refusals[0].words
    wider = with_value(VENUE, ("spec", "limits", "ordersPerSecond"), 20)
    assert cluster.refusals_of_change(VENUE, wider) == []


@pytest.fixture(scope="module")
def widened(cluster: ClusterClient) -> dict[str, str]:
    """The CRDs in groups of their own, with values that are not built yet: what their rules say once they are."""
    versions = {}
    for kind in KINDS:
        crd = crd_of(kind)
        group = f"widened.{crd['spec']['group']}"
        crd["metadata"]["name"] = f"{kind.plural}.{group}"
        crd["spec"]["group"] = group
        crd["spec"]["names"]["categories"] = []
        spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        if kind.name == "Venue":
            spec["properties"]["ccxt"]["properties"]["id"]["enum"].append("okx")
        if kind.name == "HedgeStrategy":
            spec["properties"]["policy"]["properties"]["type"]["enum"].append("Greeks")
        cluster.install(crd)
        versions[kind.name] = f"{group}/v1alpha1"
    return versions


def _widened(versions: dict[str, str]) -> list[Data]:
    """Wrong once the values that are not built yet are there."""
    strategy = {**STRATEGY, "apiVersion": versions["HedgeStrategy"]}
    return [
        without(strategy, ("spec", "policy", "band")),
        with_value(strategy, ("spec", "policy", "type"), "Greeks"),
    ]


def _changed_environment(cluster: ClusterClient) -> list[Any]:
    after = {
        **VENUE,
        "spec": {**VENUE["spec"], "type": "Ccxt", "ccxt": {"id": "bybit"}, "environment": "Testnet"},
    }
    return cluster.refusals_of_change(VENUE, after)


def _changed_exchange(cluster: ClusterClient, versions: dict[str, str]) -> list[Any]:
    real = {"type": "Ccxt", "ccxt": {"id": "bybit"}, "environment": "Testnet"}
    before = {**VENUE, "apiVersion": versions["Venue"], "spec": {**VENUE["spec"], **real}}
    return cluster.refusals_of_change(before, with_value(before, ("spec", "ccxt", "id"), "okx"))


def test_rules_about_values_to_come_hold_once_they_are_there(
    cluster: ClusterClient, widened: dict[str, str]
) -> None:
    for policy in _widened(widened):
        refusals = cluster.refusals_of(policy)
        assert [refusal.field for refusal in refusals] == ["spec.policy"]
        assert "exactly the block that `type` names" in refusals[0].words


def test_a_venue_cannot_become_another(cluster: ClusterClient) -> None:
    refusals = _changed_environment(cluster)
    assert {refusal.field for refusal in refusals} == {"spec.type", "spec.environment"}
    assert all("declare a Venue of another name" in refusal.words for refusal in refusals)


decimals = st.decimals(min_value=-(10**15), max_value=10**15, places=9).map(lambda value: f"{value:f}")
texts = st.one_of(
    decimals, st.from_regex(r"-?[0-9.]{1,26}", fullmatch=True), st.text("0123456789.-+eEkKmM_ ", max_size=28)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, texts)
def test_any_two_edges_are_judged_alike_by_both(cluster: ClusterClient, lower: str, upper: str) -> None:
    """C1: what is a decimal, and which is larger, is the same for the schema's quantities and for our Decimals."""
    data = deepcopy(STRATEGY)
    data["spec"]["policy"]["band"][0].update(lower=lower, upper=upper)
    assert bool(cluster.refusals_of(data)) == bool(problems_of(data))
