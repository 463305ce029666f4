"""A resource's shape: what is refused, in which words, and what a schema can be generated from."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from compile_examples import STRATEGY
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.strategy.fields import duration_ns
from hedgerow.strategy.parse import KINDS, parse_resource

POSITIVE = 'write a positive decimal string with at most 15 digits before and 9 after the point, e.g. "25000" or "0.5"'
DECIMAL = 'write a decimal string with at most 15 digits before and 9 after the point, e.g. "-25000" or "0.5"'


def said(edit: Callable[[dict[str, Any]], Any]) -> list[str]:
    data = deepcopy(STRATEGY)
    edit(data)
    found = parse_resource(data)
    return [str(problem) for problem in found] if isinstance(found, list) else []


def test_the_base_is_right() -> None:
    assert said(lambda data: None) == []


CASES: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    (
        "mode Dry",
        lambda data: data["spec"].update(mode="Dry"),
        'spec.mode: "Dry" is not available in this version; available: "Shadow", "Paper", "Live"',
    ),
    (
        "policy Greeks",
        lambda data: data["spec"]["policy"].update(type="Greeks"),
        'spec.policy.type: "Greeks" is not available in this version; available: "Band", "SentimentCurve", '
        '"InventoryRisk", "LoanToValue"',
    ),
    (
        "onStale Flatten",
        lambda data: data["spec"]["freshness"].update(onStale="Flatten"),
        'spec.freshness.onStale: "Flatten" is not available in this version; available: "Hold", "ReduceOnly"',
    ),
    (
        "another API version",
        lambda data: data.update(apiVersion="hedgerow.dev/v1"),
        'apiVersion: "hedgerow.dev/v1" is not available in this version; available: "hedgerow.dev/v1alpha1"',
    ),
    (
        "a block that is not built",
        lambda data: data["spec"]["policy"].update(greeks={"delta": {}}),
        'spec.policy.greeks: this version has no such field; there are "band", "funding", "inventoryRisk", '
        '"loanToValue", "sentimentCurve", "type"',
    ),
    (
        "a slip of the pen",
        lambda data: data["spec"].update(suspended=True),
        'spec.suspended: this version has no such field; did you mean "suspend"? there are "currency", '
        '"deletionPolicy", "execution", "exposure", "freshness", "hedgeWith", "limits", "mode", "policy", "suspend"',
    ),
    (
        "an unquoted whole number",
        lambda data: data["spec"]["policy"]["band"][0].update(lower=-25000),
        "spec.policy.band[0].lower: -25000 is a YAML number; money and ratios are decimal strings, so quote it: "
        '"-25000"',
    ),
    (
        "an unquoted fraction",
        lambda data: data["spec"]["execution"].update(clipNotional=1e-7),
        "spec.execution.clipNotional: 1e-07 is a YAML number; money and ratios are decimal strings, so quote it: "
        '"0.0000001"',
    ),
    (
        "more than nine decimals",
        lambda data: data["spec"]["policy"]["band"][0].update(upper="1.0000000001"),
        f'spec.policy.band[0].upper: "1.0000000001" does not fit; {DECIMAL}',
    ),
    (
        "an exponent",
        lambda data: data["spec"]["policy"]["band"][0].update(upper="1e5"),
        f'spec.policy.band[0].upper: "1e5" does not fit; {DECIMAL}',
    ),
    (
        "zero where something positive is needed",
        lambda data: data["spec"]["limits"].update(maxOrderNotional="0.000"),
        f'spec.limits.maxOrderNotional: "0.000" does not fit; {POSITIVE}',
    ),
    (
        "a negative limit",
        lambda data: data["spec"]["limits"].update(maxOrderNotional="-5"),
        f'spec.limits.maxOrderNotional: "-5" does not fit; {POSITIVE}',
    ),
    (
        "NaN",
        lambda data: data["spec"]["limits"].update(maxOrderNotional="NaN"),
        f'spec.limits.maxOrderNotional: "NaN" does not fit; {POSITIVE}',
    ),
    (
        "a duration without its unit",
        lambda data: data["spec"]["execution"].update(cooldown=3),
        "spec.execution.cooldown: 3 is a YAML number; write a whole number with its unit ms, s, m or h, e.g. 500ms, "
        "3s or 1m",
    ),
    (
        "a freshness of nothing",
        lambda data: data["spec"]["freshness"].update(quote="0s"),
        'spec.freshness.quote: "0s" does not fit; write a positive whole number with its unit ms, s, m or h, e.g. '
        "500ms, 3s or 1m",
    ),
    (
        "a quoted count",
        lambda data: data["spec"]["limits"].update(maxOrdersPerMinute="60"),
        'spec.limits.maxOrdersPerMinute: "60" does not fit here; write a whole number from 1 to 6000, without quotes',
    ),
    (
        "a count out of range",
        lambda data: data["spec"]["limits"].update(maxOrdersPerMinute=0),
        "spec.limits.maxOrdersPerMinute: 0 is out of range; write a whole number from 1 to 6000, without quotes",
    ),
    (
        "a quoted flag",
        lambda data: data["spec"].update(suspend="yes"),
        'spec.suspend: "yes" does not fit here; write true or false, without quotes',
    ),
    (
        "a venue's spelling",
        lambda data: data["spec"]["hedgeWith"][0].update(instrument="BTCUSDT"),
        'spec.hedgeWith[0].instrument: "BTCUSDT" does not fit; write the unified symbol, e.g. BTC/USDT for spot or '
        "BTC/USDT:USDT for a perpetual",
    ),
    (
        "a name with capitals",
        lambda data: data["metadata"].update(name="BtcBand"),
        'metadata.name: "BtcBand" does not fit; write lower-case letters, digits and inner dashes, e.g. btc-band',
    ),
    (
        "a name that is too long",
        lambda data: data["metadata"].update(name="a" * 64),
        "metadata.name: 64 characters are too many; at most 63 are allowed",
    ),
    (
        "nothing to hedge",
        lambda data: data["spec"].update(exposure=[]),
        "spec.exposure: is empty; give at least 1",
    ),
    (
        "too many legs",
        lambda data: data["spec"].update(hedgeWith=data["spec"]["hedgeWith"] * 17),
        "spec.hedgeWith: 17 are too many; at most 16 are allowed",
    ),
    (
        "a list written as a block",
        lambda data: data["spec"].update(exposure={"name": "clients"}),
        "spec.exposure: a block of fields does not fit here; write a list, each item with a leading dash",
    ),
    (
        "a missing block",
        lambda data: data["spec"].pop("limits"),
        "spec.limits: is missing; give it: Ceilings for every order.",
    ),
    (
        "a missing field of a list's only item",
        lambda data: data["spec"]["exposure"][0].pop("book"),
        "spec.exposure[0]: a source is one book or one account; neither is here; write book or account, and give the "
        "other a source of its own",
    ),
    (
        "no kind",
        lambda data: data.pop("kind"),
        'kind: is missing; available are "HedgeStrategy", "Venue"',
    ),
    (
        "a kind that is not built",
        lambda data: data.update(kind="Book"),
        'kind: "Book" is no kind of this version; available are "HedgeStrategy", "Venue"',
    ),
    (
        "a kind that files do not declare",
        lambda data: data.update(kind="Halt"),
        "kind: a Halt is a resource of a cluster, not of a file; use `hedgerow halt` and `hedgerow release`, or "
        "kubectl",
    ),
    (
        "a label's value",
        lambda data: data["metadata"].update(labels={"example.org/team": "a b"}),
        'metadata.labels["example.org/team"]: "a b" does not fit; write letters, digits and inner dashes, dots or '
        "underscores",
    ),
]


@pytest.mark.parametrize(("edit", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_does_not_fit_is_refused_in_words(edit: Callable[[dict[str, Any]], Any], expected: str) -> None:
    assert said(edit) == [expected]


def test_a_venue_that_does_not_trade_here_says_which_do() -> None:
    venue = {
        "apiVersion": "hedgerow.dev/v1alpha1",
        "kind": "Venue",
        "metadata": {"name": "okx"},
        "spec": {
            "type": "Ibkr",
            "ccxt": {"id": "okx"},
            "environment": "Demo",
            "account": {"id": "hedge-01"},
            "limits": {"maxGrossNotional": "1", "ordersPerSecond": 1},
        },
    }
    found = parse_resource(venue)
    assert isinstance(found, list)
    assert [str(problem) for problem in found] == [
        'spec.type: "Ibkr" is not available in this version; available: "Builtin", "Ccxt"',
        'spec.ccxt.id: "okx" is not available in this version; available: "bybit"',
        'spec.environment: "Demo" is not available in this version; available: "Paper", "Testnet", "Mainnet"',
    ]


plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def _places(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(place for key, value in items for place in _places(value, (*at, key)))]


@given(st.sampled_from(_places(STRATEGY)[1:]), plain_data)
def test_anything_anywhere_in_a_resource_is_read_or_refused_in_words(
    place: tuple[Any, ...], value: Any
) -> None:
    data = deepcopy(STRATEGY)
    inner = data
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    found = parse_resource(data)
    if isinstance(found, list):
        assert found
        assert all(problem.wrong and problem.right for problem in found)


@given(plain_data)
def test_anything_at_all_is_read_or_refused_in_words(data: Any) -> None:
    found = parse_resource(data)
    assert not isinstance(found, list) or all(problem.wrong and problem.right for problem in found)


@pytest.mark.parametrize(
    ("text", "ns"), [("500ms", 500_000_000), ("3s", 3 * 10**9), ("1m", 60 * 10**9), ("2h", 7200 * 10**9)]
)
def test_durations_carry_their_unit(text: str, ns: int) -> None:
    assert duration_ns(text) == ns


def _schemas(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    if isinstance(node, list):
        return [found for item in node for found in _schemas(item, path)]
    if not isinstance(node, dict):
        return []
    own = [(path, node)] if "type" in node or "$ref" in node or "const" in node else []
    return own + [
        found for key, item in node.items() if key != "examples" for found in _schemas(item, f"{path}/{key}")
    ]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_text_list_number_and_map_is_bounded_and_every_field_described(kind: str) -> None:
    schema = KINDS[kind].model_json_schema()
    found = _schemas(schema)
    assert len(found) > 20
    for path, node in found:
        match node.get("type"):
            case "string":
                assert "maxLength" in node or "const" in node or "enum" in node, path
            case "array":
                assert {"minItems", "maxItems"} <= node.keys(), path
            case "integer":
                assert {"minimum", "maximum"} <= node.keys(), path
            case "object":
                assert node.get("additionalProperties") is False or "maxProperties" in node, path
            case "number":
                pytest.fail(f"{path}: floats are not for resources")
        for name, field in node.get("properties", {}).items():
            # A description that only repeats its block's is left out by the generator.
            block = schema["$defs"].get(field.get("$ref", "").removeprefix("#/$defs/"), {})
            assert {**block, **field}.get("description", "").endswith("."), f"{path}/{name}"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_pattern_needs_lookahead(kind: str) -> None:
    patterns = [node["pattern"] for _, node in _schemas(KINDS[kind].model_json_schema()) if "pattern" in node]
    assert patterns
    assert not [pattern for pattern in patterns if "(?" in pattern]
