"""A strategy and a Venue as they are written, to be edited and compiled."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import hedge_examples
import msgspec

from hedgerow.domain.instruments import LISTINGS, find_instrument
from hedgerow.strategy.compile import compile_strategy
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.spec import HedgeStrategy

VENUE: dict[str, Any] = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "Venue",
    "metadata": {"name": "paper"},
    "spec": {
        "type": "Builtin",
        "environment": "Paper",
        "trading": "Enabled",
        "account": {"id": "hedge-01"},
        "limits": {"maxGrossNotional": "5000000", "ordersPerSecond": 10},
    },
}
STRATEGY: dict[str, Any] = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "HedgeStrategy",
    "metadata": {"name": "btc-band"},
    "spec": {
        "mode": "Paper",
        "exposure": [{"name": "clients", "book": {"name": "clients"}}],
        "hedgeWith": [{"venueRef": {"name": "paper"}, "instrument": "BTC/USDT:USDT", "priority": 1}],
        "policy": {"type": "Band", "band": [{"underlying": "BTC", "lower": "-25000", "upper": "25000"}]},
        "freshness": {"quote": "3s", "book": "5s"},
        "execution": {"clipNotional": "10000", "maxSlippageBps": 10},
        "limits": {
            "maxOrderNotional": "50000",
            "maxPositionNotional": "1000000",
            "maxOrdersPerMinute": 60,
            "priceCollarBps": 100,
        },
    },
}
PAPER = hedge_examples.venue(namespace="default", name="paper", orders_per_second=10)
VENUES = {PAPER.key: PAPER}
# A second leg needs a second perpetual; the exchange lists one so far.
SECOND = msgspec.structs.replace(
    find_instrument("BTC/USDT:USDT"), symbol="BTC/USDC:USDC", quote="USDC", settle="USDC"
)
LISTED = {**LISTINGS, SECOND.symbol: SECOND}
Edit = Callable[[dict[str, Any]], Any]


def parsed(edit: Edit = lambda spec: None) -> HedgeStrategy:
    data = deepcopy(STRATEGY)
    edit(data["spec"])
    resource = parse_resource(data)
    assert isinstance(resource, HedgeStrategy), [str(problem) for problem in resource]
    return resource


def compiled(edit: Edit = lambda spec: None) -> CompiledStrategy:
    result = compile_strategy(parsed(edit), VENUES, LISTED)
    assert isinstance(result, CompiledStrategy), [str(problem) for problem in result]
    return result


def problems(result: object) -> list[str]:
    assert isinstance(result, list)
    return [str(problem) for problem in result]


def account_source(name: str = "wallet", **changes: Any) -> dict[str, Any]:
    """A source of exposure that is the whole of the Venue's account."""
    account = {"venueRef": {"name": "paper"}, "count": ["Collateral", "Spot", "Derivatives"]}
    return {"name": name, "account": account | changes}


def leg(**changes: Any) -> dict[str, Any]:
    return {"venueRef": {"name": "paper"}, "instrument": SECOND.symbol, "priority": 2, **changes}


def band(**changes: Any) -> dict[str, Any]:
    return {"underlying": "BTC", "lower": "-1", "upper": "1", **changes}


def by_score(*knots: tuple[str, str], **changes: Any) -> Edit:
    """The strategy hedged along a curve with these knots."""

    def edit(spec: dict[str, Any]) -> None:
        written = [{"score": score, "hedgeFraction": fraction} for score, fraction in knots]
        curve = {"underlying": "BTC", "knots": written or [*DEFAULT_KNOTS], **changes}
        spec["policy"] = {"type": "SentimentCurve", "sentimentCurve": [curve]}
        spec["freshness"]["score"] = "3s"

    return edit


def by_ltv(**changes: Any) -> Edit:
    """The strategy hedged along an LTV ladder, with a book of loans beside the clients'."""

    def edit(spec: dict[str, Any]) -> None:
        spec["exposure"].append({"name": "loans", "book": {"name": "owed"}})
        spec["policy"] = {"type": "LoanToValue", "loanToValue": {**LADDER, **changes}}

    return edit


def by_risk(**changes: Any) -> Edit:
    """The strategy hedged by the risk of its inventory."""

    def edit(spec: dict[str, Any]) -> None:
        rule = {
            "underlying": "BTC",
            "maxLoss": "0.05",
            "maxAge": "8h",
            "maxVolatility": "1.2",
            "maxDepthShare": "0.50",
            **changes,
        }
        spec["policy"] = {"type": "InventoryRisk", "inventoryRisk": [rule]}

    return edit


LADDER: dict[str, Any] = {
    "debt": {"exposureName": "loans"},
    "haircuts": [{"asset": "BTC", "haircut": "0.950"}],
    "caution": {"ltv": "0.65", "hedgeFraction": "0.30"},
    "danger": {"ltv": "0.80", "hedgeFraction": "0.7"},
    "critical": {"ltv": "0.90", "hedgeFraction": "1"},
}
DEFAULT_KNOTS = ({"score": "0", "hedgeFraction": "0.050"}, {"score": "1.0", "hedgeFraction": "1"})
