"""Declared against live, field by field, in the spelling of the resources. Pure.

Both sides are compiled, so that what only looks different (`25000` and `25000.00`, an omitted default) is equal.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from hedgerow.strategy.compile import revision_of
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue

Change = Literal["added", "changed", "unchanged"]

_VENUE_NAMES = {
    "exchange": "ccxt.id",
    "trading_enabled": "trading",
    "account": "account.id",
    "max_gross_notional": "limits.maxGrossNotional",
    "orders_per_second": "limits.ordersPerSecond",
    "max_daily_loss": "limits.maxDailyLoss",
}


class FieldDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One field; None where a side has no such field."""

    path: str
    live: str | None
    declared: str | None

    @property
    def sign(self) -> str:
        return "+" if self.live is None else "-" if self.declared is None else "~"


class ResourceDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One declared resource against what is live of it.

    Attributes:
        live_generation: of a strategy that is live; live_revision: None when nothing of this name is live.
    """

    kind: str
    name: str
    change: Change
    live_generation: int | None
    live_revision: str | None
    declared_revision: str
    fields: list[FieldDifference]


Config = CompiledStrategy | CompiledVenue


def compare(declared: Config, live: Config | None, generation: int | None = None) -> ResourceDifference:
    """What applying the declared config would change."""
    before, after = fields_of(live) if live is not None else {}, fields_of(declared)
    fields = [
        FieldDifference(path=path, live=before.get(path), declared=after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]
    return ResourceDifference(
        kind="HedgeStrategy" if isinstance(declared, CompiledStrategy) else "Venue",
        name=declared.key,
        change="added" if live is None else "changed" if fields else "unchanged",
        live_generation=generation,
        live_revision=None if live is None else revision_of(live),
        declared_revision=revision_of(declared),
        fields=fields,
    )


def fields_of(config: Config) -> dict[str, str]:
    """Every field of a compiled config by its path in the resource.

    List items go by what names them (`spec.policy.band[BTC].upper`), so that a moved item is no change. Of legs the
    rank stands for `priority`: only their order is compiled.
    """
    tree: dict[str, Any] = msgspec.to_builtins(config)
    del tree["namespace"], tree["name"]
    if isinstance(config, CompiledVenue):
        tree["trading_enabled"] = "Enabled" if config.trading_enabled else "Disabled"
        return dict(_leaves("spec", _renamed(tree, _VENUE_NAMES)))
    for source in tree.pop("exposure"):
        name = source.pop("name")
        tree[f"exposure[{name}]"] = _renamed(source, {"book": "book.name"})
    for source in tree.pop("accounts", ()):
        name, count = source.pop("name"), ", ".join(source.pop("count"))
        account = _renamed(source, {"venue": "account.venueRef.name", "account": "account.id"})
        tree[f"exposure[{name}]"] = {**account, "account.count": count}
    for band in tree.pop("bands", ()):
        underlying = band.pop("underlying")
        tree[f"policy.band[{underlying}]"] = band
    for curve in tree.pop("sentiment_curves", ()):
        underlying = curve.pop("underlying")
        knots = {
            f"knots[{knot['score']}].hedgeFraction": knot["hedge_fraction"] for knot in curve.pop("knots")
        }
        tree[f"policy.sentimentCurve[{underlying}]"] = {**curve, **knots}
    for rule in tree.pop("inventory_risks", ()):
        underlying = rule.pop("underlying")
        times = {f"reevaluateAfter.{name}": value for name, value in rule.pop("reevaluation").items()}
        tree[f"policy.inventoryRisk[{underlying}]"] = {**rule, **times}
    legs = tree.pop("hedge_with")
    for rank, leg in enumerate(legs, 1):
        index = leg.pop("index")
        tree[f"hedgeWith[{index}]"] = _leg(leg, f"{rank} of {len(legs)}")
    return dict(_leaves("spec", tree))


def _leg(leg: dict[str, Any], priority: str) -> dict[str, Any]:
    rules = leg.pop("instrument")
    symbol = rules.pop("symbol")
    listing = {f"instrument.{_camel(name)}": value for name, value in rules.items()}
    return {
        **_renamed(leg, {"venue": "venueRef.name"}),
        "instrument": symbol,
        **listing,
        "priority": priority,
    }


def _renamed(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in fields.items()}


def _leaves(path: str, tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        at = f"{path}.{name if '[' in name else _camel(name)}"
        if isinstance(value, dict):
            yield from _leaves(at, value)
        elif value is not None:
            yield at, _text(name, value)


def _camel(name: str) -> str:
    first, *rest = name.removesuffix("_ns").split("_")
    return first + "".join(part.capitalize() for part in rest)


def _text(name: str, value: Any) -> str:
    if name.endswith("_ns"):
        return f"{value / 1e9:g}s"
    return str(value).lower() if isinstance(value, bool) else str(value)
