"""Ways to write an inventory's risk: where each part of its score is full, and how its actions follow each other."""

from typing import Any

from resource_case import strategy
from resource_documents import Data

EVERY_FIELD: Data = {
    "underlying": "BTC",
    "maxLoss": "0.05",
    "maxAge": "8h",
    "maxVolatility": "1.2",
    "maxDepthShare": "0.5",
    "volatilityBar": "10s",
    "volatilityHalfLife": "5m",
    "hysteresis": "14.999999999",
    "reevaluateAfter": {"reduce": "1h", "partial": "10m", "full": "2m", "liquidate": "1m"},
    "maxCostBps": 1000,
    "onUnknownEntry": "Reduce",
}
REQUIRED = ("underlying", "maxLoss", "maxAge", "maxVolatility", "maxDepthShare")
AT = "spec.policy.inventoryRisk[0]"


def by_risk(data: Data, **changes: Any) -> None:
    rule = {name: EVERY_FIELD[name] for name in REQUIRED} | changes
    data["spec"]["policy"] = {"type": "InventoryRisk", "inventoryRisk": [rule]}


INVENTORY_CASES = [
    strategy("an inventory's risk", lambda d: by_risk(d)),
    strategy(
        "an inventory's risk with everything declared",
        lambda d: by_risk(d, noTradeNotional="5000", **EVERY_FIELD),
    ),
    strategy(
        "an inventory's risk and a band's type",
        lambda d: (by_risk(d), d["spec"]["policy"].update(type="Band")),
        "spec.policy",
        "exactly the block that `type` names belongs here",
    ),
    strategy(
        "a hysteresis over a whole step",
        lambda d: by_risk(d, hysteresis="15"),
        f"{AT}.hysteresis",
        'write hysteresis below 15, e.g. "3"',
    ),
    strategy(
        "an inventory's zone of nothing",
        lambda d: by_risk(d, noTradeNotional="0"),
        f"{AT}.noTradeNotional",
        "write a positive decimal string",
    ),
    strategy(
        "no hysteresis",
        lambda d: by_risk(d, hysteresis="0"),
        f"{AT}.hysteresis",
        "write a positive decimal string",
    ),
    strategy(
        "a loss in percent",
        lambda d: by_risk(d, maxLoss="5"),
        f"{AT}.maxLoss",
        "write a fraction above 0 and up to 1",
    ),
    strategy(
        "an age of nothing",
        lambda d: by_risk(d, maxAge="0s"),
        f"{AT}.maxAge",
        "write a positive whole number with its unit",
    ),
    strategy(
        "a share of the depth that is no number",
        lambda d: by_risk(d, maxDepthShare="NaN"),
        f"{AT}.maxDepthShare",
        "write a positive decimal string",
    ),
    strategy(
        "an unknown entry that is sold off",
        lambda d: by_risk(d, onUnknownEntry="Liquidate"),
        f"{AT}.onUnknownEntry",
        'supported values: "Hold", "Reduce"',
    ),
    strategy(
        "a cost of nothing",
        lambda d: by_risk(d, maxCostBps=0),
        f"{AT}.maxCostBps",
        "should be greater than or equal to 1",
    ),
]
