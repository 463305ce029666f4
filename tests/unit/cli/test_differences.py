"""Declared against live: every field counts, and is named as the resource spells it."""

from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest

from hedgerow.cli.differences import compare, fields_of
from hedgerow.strategy.compiled import BookSource, CompiledStrategy, Mode


def changed(declared: CompiledStrategy) -> dict[str, tuple[str | None, str | None]]:
    found = compare(declared, example.strategy(), 3)
    assert (found.change, found.live_generation) == ("changed", 3)
    assert found.live_revision != found.declared_revision
    return {field.path: (field.live, field.declared) for field in found.fields}


def test_equal_configs_do_not_differ() -> None:
    found = compare(example.strategy(), example.strategy(), 1)
    assert (found.change, found.fields) == ("unchanged", [])
    assert found.live_revision == found.declared_revision
    assert compare(example.venue(), example.venue()).change == "unchanged"


@pytest.mark.parametrize(
    ("changes", "path", "values"),
    [
        ({"mode": Mode.SHADOW}, "spec.mode", ("Paper", "Shadow")),
        ({"suspend": True}, "spec.suspend", ("false", "true")),
        (
            {"exposure": (BookSource(name="clients", book="loans"),)},
            "spec.exposure[clients].book.name",
            ("clients", "loans"),
        ),
        ({"bands": (example.band(upper="2"),)}, "spec.policy.band[BTC].upper", ("1", "2")),
        (
            {"execution": example.execution(unknown_deadline_ns=90_500_000_000)},
            "spec.execution.unknownDeadline",
            ("60s", "90.5s"),
        ),
        (
            {"limits": example.limits(price_collar_bps=Decimal(50))},
            "spec.limits.priceCollarBps",
            ("100", "50"),
        ),
        (
            {"hedge_with": (example.leg(venue="desk/other"),)},
            "spec.hedgeWith[0].venueRef.name",
            ("desk/paper", "desk/other"),
        ),
    ],
)
def test_a_changed_field_is_named_with_both_values(
    changes: dict[str, Any], path: str, values: tuple[str, str]
) -> None:
    assert changed(example.strategy(**changes)) == {path: values}


def test_items_that_come_and_go_are_added_and_removed() -> None:
    more = (example.band(), msgspec.structs.replace(example.band(), underlying="ETH"))
    found = compare(example.strategy(bands=more), example.strategy(), 1)
    assert {field.path: field.sign for field in found.fields} == {
        "spec.policy.band[ETH].lower": "+",
        "spec.policy.band[ETH].upper": "+",
        "spec.policy.band[ETH].unit": "+",
    }
    assert {field.sign for field in compare(example.strategy(), example.strategy(bands=more), 1).fields} == {
        "-"
    }


def test_legs_that_swap_their_priority_differ_though_each_is_as_before() -> None:
    legs = (example.leg(0), example.leg(1, account="hedge-02"))
    found = compare(example.strategy(hedge_with=legs[::-1]), example.strategy(hedge_with=legs), 1)
    assert [(field.path, field.live, field.declared) for field in found.fields] == [
        ("spec.hedgeWith[0].priority", "1 of 2", "2 of 2"),
        ("spec.hedgeWith[1].priority", "2 of 2", "1 of 2"),
    ]


def test_what_is_not_live_is_added_whole() -> None:
    found = compare(example.strategy(), None)
    assert (found.change, found.live_generation, found.live_revision) == ("added", None, None)
    assert {field.path for field in found.fields} == fields_of(example.strategy()).keys()
    assert all(field.live is None for field in found.fields)


def test_no_two_fields_share_a_path() -> None:
    def leaves(value: Any) -> int:
        if isinstance(value, dict):
            return sum(map(leaves, value.values()))
        return sum(map(leaves, value)) if isinstance(value, list | tuple) else value is not None

    tree = msgspec.to_builtins(example.strategy())
    # Namespace and name say which resource it is; book, leg and band are named by one field each; legs have a rank.
    assert len(fields_of(example.strategy())) == leaves(tree) - 2 - 3 + 1
    assert len(fields_of(example.venue())) == leaves(msgspec.to_builtins(example.venue())) - 2


def test_a_venue_is_spelled_as_its_resource() -> None:
    found = compare(
        example.venue(trading_enabled=False, orders_per_second=9, account="other"), example.venue()
    )
    assert [(field.path, field.live, field.declared) for field in found.fields] == [
        ("spec.account.id", "hedge-01", "other"),
        ("spec.limits.ordersPerSecond", "5", "9"),
        ("spec.trading", "Enabled", "Disabled"),
    ]
