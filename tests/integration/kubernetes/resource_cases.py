"""Resources that are right, and ways to get each of them wrong: what is wrong where, and the words that say so."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

Data = dict[str, Any]

STRATEGY: Data = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "HedgeStrategy",
    "metadata": {"name": "btc-band"},
    "spec": {
        "mode": "Paper",
        "suspend": False,
        "currency": "USD",
        "exposure": [{"name": "clients", "book": {"name": "clients"}}],
        "hedgeWith": [{"venueRef": {"name": "paper"}, "instrument": "BTC/USDT:USDT", "priority": 1}],
        "policy": {
            "type": "Band",
            "band": [{"underlying": "BTC", "lower": "-25000", "upper": "25000", "unit": "Notional"}],
        },
        "freshness": {"quote": "3s", "book": "5s", "onStale": "Hold"},
        "execution": {
            "style": "Clips",
            "clipNotional": "10000",
            "timeInForce": "IOC",
            "maxSlippageBps": 10,
            "cooldown": "500ms",
            "unknownDeadline": "60s",
        },
        "limits": {
            "maxOrderNotional": "50000",
            "maxPositionNotional": "1000000",
            "maxOrdersPerMinute": 60,
            "priceCollarBps": 100,
        },
        "deletionPolicy": "Retain",
    },
}
VENUE: Data = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "Venue",
    "metadata": {"name": "paper"},
    "spec": {
        "type": "Builtin",
        "environment": "Paper",
        "trading": "Enabled",
        "account": {"id": "hedge-01"},
        "credentials": {"trade": {"secretRef": {"name": "paper.trade-keys"}}},
        "limits": {"maxGrossNotional": "5000000", "ordersPerSecond": 10},
    },
}
HALT: Data = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "Halt",
    "metadata": {"name": "incident"},
    "spec": {"target": {"strategy": "btc-band"}, "reason": "exchange incident"},
}
BASES = {"HedgeStrategy": STRATEGY, "Venue": VENUE, "Halt": HALT}


class Case(msgspec.Struct, frozen=True):
    """One way to write a resource. `words` are what a refusal says; none: it is accepted."""

    name: str
    kind: str
    edit: Callable[[Data], Any]
    field: str = ""
    words: str = ""


def _band(data: Data) -> Data:
    found: Data = data["spec"]["policy"]["band"][0]
    return found


def _leg(data: Data, **changes: Any) -> None:
    data["spec"]["hedgeWith"].append({**data["spec"]["hedgeWith"][0], **changes})


def _by_score(
    data: Data,
    knots: Sequence[tuple[str, str]] = (("0", "0.05"), ("0.3", "0.25"), ("0.7", "0.75"), ("1", "1")),
    band: list[Data] | None = None,
    **changes: Any,
) -> None:
    written = [{"score": score, "hedgeFraction": fraction} for score, fraction in knots]
    curve = {"underlying": "BTC", "knots": written, **changes}
    policy: Data = {"type": "SentimentCurve", "sentimentCurve": [curve]}
    data["spec"]["policy"] = policy | ({} if band is None else {"band": band})
    data["spec"]["freshness"]["score"] = "3s"


def _by_risk(data: Data, **changes: Any) -> None:
    rule = {
        "underlying": "BTC",
        "maxLoss": "0.05",
        "maxAge": "8h",
        "maxVolatility": "1.2",
        "maxDepthShare": "0.5",
        **changes,
    }
    data["spec"]["policy"] = {"type": "InventoryRisk", "inventoryRisk": [rule]}


def _many_knots() -> list[tuple[str, str]]:
    """As many as a curve may have, with all the decimals."""
    return [("0", "0"), *((f"0.{number:09d}", f"0.{number:09d}") for number in range(1, 15)), ("1", "1")]


def _strategy(name: str, edit: Callable[[Data], Any], field: str = "", words: str = "") -> Case:
    return Case(name, "HedgeStrategy", edit, field, words)


def _spec(**changes: Any) -> Callable[[Data], Any]:
    return lambda data: data["spec"].update(changes)


def _in(block: str, **changes: Any) -> Callable[[Data], Any]:
    return lambda data: data["spec"][block].update(changes)


LADDER = {"passiveFor": "5s", "aggressiveFor": "5s"}
STYLES_BLOCK = (
    "write execution.twap with style Twap, execution.escalation with style Escalation, and none with Clips"
)
NOT_BELOW = "is not below upper"
CASES = [
    _strategy("as it is", lambda data: None),
    _strategy("Shadow", _spec(mode="Shadow")),
    _strategy(
        "the widest numbers",
        lambda d: _band(d).update(lower="-999999999999999.999999999", upper="999999999999999"),
    ),
    _strategy(
        "edges a billionth apart",
        lambda d: _band(d).update(lower="0.000000001", upper="0.000000002", unit="Notional"),
    ),
    _strategy("both edges negative", lambda d: _band(d).update(lower="-2.5", upper="-1")),
    _strategy("a clip as large as its limit", _in("execution", clipNotional="50000.000")),
    _strategy(
        "every limit",
        _in(
            "limits",
            maxDailyTurnover="3000000",
            maxDailyLoss="25000",
            minLiquidationDistance="0.999999999",
            maxRepeatedOrders=60,
        ),
    ),
    _strategy("slippage up to the collar", _in("execution", maxSlippageBps=100)),
    _strategy("the longest duration", _in("freshness", quote="99999h")),
    _strategy("no cooldown", _in("execution", cooldown="0s")),
    _strategy("Twap", _in("execution", style="Twap", twap={"duration": "10m", "slices": 20})),
    _strategy("Escalation", _in("execution", style="Escalation", escalation=LADDER)),
    _strategy("legs together", _in("execution", legs="Together")),
    _strategy("a style without its block", _in("execution", style="Twap"), "spec.execution", STYLES_BLOCK),
    _strategy(
        "a block of another style", _in("execution", escalation=LADDER), "spec.execution", STYLES_BLOCK
    ),
    _strategy(
        "two styles' blocks",
        _in("execution", style="Escalation", escalation=LADDER, twap={"duration": "10m", "slices": 20}),
        "spec.execution",
        STYLES_BLOCK,
    ),
    _strategy(
        "a style that is not built",
        _in("execution", style="Iceberg"),
        "spec.execution.style",
        'supported values: "Clips", "Twap", "Escalation"',
    ),
    _strategy(
        "one slice",
        _in("execution", style="Twap", twap={"duration": "10m", "slices": 1}),
        "spec.execution.twap.slices",
        "greater than or equal to 2",
    ),
    _strategy(
        "a ladder without a deadline",
        _in("execution", style="Escalation", escalation={"passiveFor": "5s"}),
        "spec.execution.escalation.aggressiveFor",
        "Required value",
    ),
    _strategy(
        "two books", lambda d: d["spec"]["exposure"].append({"name": "loans", "book": {"name": "loans"}})
    ),
    _strategy(
        "lower above upper", lambda d: _band(d).update(lower="30000"), "spec.policy.band[0].lower", NOT_BELOW
    ),
    _strategy(
        "lower equal to upper, otherwise written",
        lambda d: _band(d).update(lower="25000.000"),
        "spec.policy.band[0].lower",
        NOT_BELOW,
    ),
    _strategy(
        "negative edges the wrong way round",
        lambda d: _band(d).update(lower="-1", upper="-2.5"),
        "spec.policy.band[0].lower",
        NOT_BELOW,
    ),
    _strategy(
        "edges a billionth the wrong way",
        lambda d: _band(d).update(lower="100000000000000.000000002", upper="100000000000000.000000001"),
        "spec.policy.band[0].lower",
        NOT_BELOW,
    ),
    _strategy(
        "a clip above its limit",
        _in("execution", clipNotional="50000.000000001"),
        "spec.execution.clipNotional",
        "lower the clip or raise the limit",
    ),
    _strategy(
        "slippage above the collar",
        _in("execution", maxSlippageBps=101),
        "spec.execution.maxSlippageBps",
        "allow less slippage or widen the collar",
    ),
    _strategy(
        "a liquidation distance that is no ratio",
        _in("limits", minLiquidationDistance="1"),
        "spec.limits.minLiquidationDistance",
        "write it below 1",
    ),
    _strategy(
        "a book twice",
        lambda d: d["spec"]["exposure"].append({"name": "again", "book": {"name": "clients"}}),
        "spec.exposure",
        "count each book once",
    ),
    _strategy(
        "a source's name twice",
        lambda d: d["spec"]["exposure"].append({"name": "clients", "book": {"name": "loans"}}),
        "spec.exposure[1]",
        "Duplicate value",
    ),
    _strategy(
        "a leg twice", lambda d: _leg(d, priority=2), "spec.hedgeWith", "name each Venue's instrument once"
    ),
    _strategy(
        "a priority twice",
        lambda d: _leg(d, instrument="BTC/USDC:USDC"),
        "spec.hedgeWith",
        "give each leg a priority of its own",
    ),
    _strategy(
        "an underlying twice",
        lambda d: d["spec"]["policy"]["band"].append(_band(d)),
        "spec.policy.band[1]",
        "Duplicate value",
    ),
    _strategy(
        "a mode that is not built", _spec(mode="Live"), "spec.mode", 'supported values: "Shadow", "Paper"'
    ),
    _strategy(
        "a policy that is not built",
        lambda d: d["spec"]["policy"].update(type="Greeks"),
        "spec.policy.type",
        'supported values: "Band", "SentimentCurve", "InventoryRisk"',
    ),
    _strategy(
        "a policy without its block",
        lambda d: d["spec"]["policy"].pop("band"),
        "spec.policy",
        "exactly the block that `type` names belongs here",
    ),
    _strategy("a sentiment curve", lambda d: _by_score(d)),
    _strategy("the sentiment curve with the most knots", lambda d: _by_score(d, knots=_many_knots())),
    _strategy(
        "a flat curve that is never full, with a zone",
        lambda d: _by_score(
            d, knots=[("0.000", "0.5"), ("1.0", "0.50")], maxHedgeFraction="0.5", noTradeNotional="5000"
        ),
    ),
    _strategy(
        "two policies' blocks",
        lambda d: _by_score(d, band=[_band(d)]),
        "spec.policy",
        "exactly the block that `type` names belongs here",
    ),
    _strategy(
        "a curve without an age for scores",
        lambda d: (_by_score(d), d["spec"]["freshness"].pop("score")),
        "spec.freshness.score",
        "write freshness.score, e.g. 3s, with policy SentimentCurve",
    ),
    _strategy(
        "an age for scores that nobody reads",
        _in("freshness", score="3s"),
        "spec.freshness.score",
        "no other policy reads scores",
    ),
    _strategy(
        "a curve that falls",
        lambda d: _by_score(d, knots=[("0", "0.5"), ("0.5", "0.4"), ("1", "1")]),
        "spec.policy.sentimentCurve[0].knots",
        "hedge fractions must not fall",
    ),
    _strategy(
        "knots out of order",
        lambda d: _by_score(d, knots=[("0", "0"), ("0.7", "0.5"), ("0.3", "0.5"), ("1", "1")]),
        "spec.policy.sentimentCurve[0].knots",
        "order the knots by score",
    ),
    _strategy(
        "a score twice, otherwise written",
        lambda d: _by_score(d, knots=[("0", "0"), ("0.3", "0.5"), ("0.30", "0.6"), ("1", "1")]),
        "spec.policy.sentimentCurve[0].knots",
        "each score once",
    ),
    _strategy(
        "a curve that ends early",
        lambda d: _by_score(d, knots=[("0", "0"), ("0.9", "1")]),
        "spec.policy.sentimentCurve[0].knots",
        'end with score "1"',
    ),
    _strategy(
        "a single knot",
        lambda d: _by_score(d, knots=[("0", "0")]),
        "spec.policy.sentimentCurve[0].knots",
        "should have at least 2 items",
    ),
    _strategy(
        "a score above 1",
        lambda d: _by_score(d, knots=[("0", "0"), ("1.5", "1")]),
        "spec.policy.sentimentCurve[0].knots[1].score",
        "write a fraction from 0 to 1",
    ),
    _strategy(
        "a hedge that is not a number",
        lambda d: _by_score(d, knots=[("0", "NaN"), ("1", "1")]),
        "spec.policy.sentimentCurve[0].knots[0].hedgeFraction",
        "write a fraction from 0 to 1",
    ),
    _strategy(
        "a curve for no asset",
        lambda d: _by_score(d, underlying=" ?"),
        "spec.policy.sentimentCurve[0].underlying",
        "write an asset in capital letters",
    ),
    _strategy(
        "a zone of nothing",
        lambda d: _by_score(d, noTradeNotional="0"),
        "spec.policy.sentimentCurve[0].noTradeNotional",
        "write a positive decimal string",
    ),
    _strategy(
        "an age that is no duration",
        lambda d: (_by_score(d), d["spec"]["freshness"].update(score="soon")),
        "spec.freshness.score",
        "write a positive whole number with its unit",
    ),
    _strategy("an inventory's risk", lambda d: _by_risk(d)),
    _strategy(
        "an inventory's risk with everything declared",
        lambda d: _by_risk(
            d,
            volatilityBar="10s",
            volatilityHalfLife="10s",
            hysteresis="14.999999999",
            reevaluateAfter={"reduce": "1h", "partial": "10m", "full": "2m", "liquidate": "1m"},
            maxCostBps=1000,
            noTradeNotional="5000",
            onUnknownEntry="Reduce",
        ),
    ),
    _strategy(
        "an inventory's risk and a band",
        lambda d: (_by_risk(d), d["spec"]["policy"].update(type="Band")),
        "spec.policy",
        "exactly the block that `type` names belongs here",
    ),
    _strategy(
        "a hysteresis over a whole step",
        lambda d: _by_risk(d, hysteresis="15"),
        "spec.policy.inventoryRisk[0].hysteresis",
        'write hysteresis below 15, e.g. "3"',
    ),
    _strategy(
        "no hysteresis",
        lambda d: _by_risk(d, hysteresis="0"),
        "spec.policy.inventoryRisk[0].hysteresis",
        "write a positive decimal string",
    ),
    _strategy(
        "a loss of nothing",
        lambda d: _by_risk(d, maxLoss="0"),
        "spec.policy.inventoryRisk[0].maxLoss",
        "write a fraction above 0 and up to 1",
    ),
    _strategy(
        "a loss in percent",
        lambda d: _by_risk(d, maxLoss="5"),
        "spec.policy.inventoryRisk[0].maxLoss",
        "write a fraction above 0 and up to 1",
    ),
    _strategy(
        "an age of nothing",
        lambda d: _by_risk(d, maxAge="0s"),
        "spec.policy.inventoryRisk[0].maxAge",
        "write a positive whole number with its unit",
    ),
    _strategy(
        "a volatility below nothing",
        lambda d: _by_risk(d, maxVolatility="-1"),
        "spec.policy.inventoryRisk[0].maxVolatility",
        "write a positive decimal string",
    ),
    _strategy(
        "a share of the depth that is no number",
        lambda d: _by_risk(d, maxDepthShare="NaN"),
        "spec.policy.inventoryRisk[0].maxDepthShare",
        "write a positive decimal string",
    ),
    _strategy(
        "a bar of no length",
        lambda d: _by_risk(d, volatilityBar="0ms"),
        "spec.policy.inventoryRisk[0].volatilityBar",
        "write a positive whole number with its unit",
    ),
    _strategy(
        "an action that is never re-evaluated",
        lambda d: _by_risk(d, reevaluateAfter={"full": "never"}),
        "spec.policy.inventoryRisk[0].reevaluateAfter.full",
        "write a positive whole number with its unit",
    ),
    _strategy(
        "an unknown entry that is sold off",
        lambda d: _by_risk(d, onUnknownEntry="Liquidate"),
        "spec.policy.inventoryRisk[0].onUnknownEntry",
        'supported values: "Hold", "Reduce"',
    ),
    _strategy(
        "a cost of nothing",
        lambda d: _by_risk(d, maxCostBps=0),
        "spec.policy.inventoryRisk[0].maxCostBps",
        "should be greater than or equal to 1",
    ),
    _strategy(
        "a maximum of nothing",
        lambda d: _by_score(d, maxHedgeFraction="0.0"),
        "spec.policy.sentimentCurve[0].maxHedgeFraction",
        "write a fraction above 0 and up to 1",
    ),
    _strategy(
        "a number without quotes",
        lambda d: _band(d).update(lower=-25000),
        "spec.policy.band[0].lower",
        'must be of type string: "integer"',
    ),
    _strategy(
        "a fraction without quotes",
        lambda d: _band(d).update(upper=0.5),
        "spec.policy.band[0].upper",
        'must be of type string: "number"',
    ),
    _strategy(
        "ten decimals",
        lambda d: _band(d).update(upper="1.0000000001"),
        "spec.policy.band[0].upper",
        "write a decimal string with at most 15 digits before and 9 after the point",
    ),
    _strategy(
        "an exponent",
        lambda d: _band(d).update(upper="1e5"),
        "spec.policy.band[0].upper",
        "write a decimal string",
    ),
    _strategy(
        "a unit of Kubernetes",
        lambda d: _band(d).update(upper="25k"),
        "spec.policy.band[0].upper",
        "write a decimal string",
    ),
    _strategy(
        "a limit of nothing",
        _in("limits", maxOrderNotional="0.000"),
        "spec.limits.maxOrderNotional",
        "write a positive decimal string",
    ),
    _strategy(
        "a negative limit",
        _in("limits", maxPositionNotional="-5"),
        "spec.limits.maxPositionNotional",
        "write a positive decimal string",
    ),
    _strategy(
        "a loss limit of nothing",
        _in("limits", maxDailyLoss="0"),
        "spec.limits.maxDailyLoss",
        "write a positive decimal string",
    ),
    _strategy(
        "a turnover limit of nothing",
        _in("limits", maxDailyTurnover="0"),
        "spec.limits.maxDailyTurnover",
        "write a positive decimal string",
    ),
    _strategy(
        "a distance of nothing",
        _in("limits", minLiquidationDistance="0"),
        "spec.limits.minLiquidationDistance",
        "write a positive decimal string",
    ),
    _strategy(
        "a repetition of nothing",
        _in("limits", maxRepeatedOrders=0),
        "spec.limits.maxRepeatedOrders",
        "greater than or equal to 1",
    ),
    _strategy(
        "a duration without its unit",
        _in("freshness", quote="3"),
        "spec.freshness.quote",
        "with its unit ms, s, m or h",
    ),
    _strategy(
        "a freshness of nothing",
        _in("freshness", quote="0s"),
        "spec.freshness.quote",
        "write a positive whole number with its unit",
    ),
    _strategy(
        "a count with quotes",
        _in("limits", maxOrdersPerMinute="60"),
        "spec.limits.maxOrdersPerMinute",
        "must be of type integer",
    ),
    _strategy(
        "a count of nothing",
        _in("limits", maxOrdersPerMinute=0),
        "spec.limits.maxOrdersPerMinute",
        "greater than or equal to 1",
    ),
    _strategy(
        "a count above its bound",
        _in("limits", priceCollarBps=5001),
        "spec.limits.priceCollarBps",
        "less than or equal to 5000",
    ),
    _strategy("a flag with quotes", _spec(suspend="yes"), "spec.suspend", "must be of type boolean"),
    _strategy("nothing to hedge", _spec(exposure=[]), "spec.exposure", "at least 1 items"),
    _strategy(
        "too many legs",
        lambda d: [_leg(d, priority=number) for number in range(2, 18)],
        "spec.hedgeWith",
        "at most 16 items",
    ),
    _strategy("a missing block", lambda d: d["spec"].pop("limits"), "spec.limits", "Required value"),
    _strategy("a slip of the pen", _spec(suspended=True), "", 'unknown field "spec.suspended"'),
    _strategy(
        "a name with dots",
        lambda d: d["metadata"].update(name="btc.band"),
        "<nil>",
        'metadata.name: "btc.band" does not fit; write at most 63 lower-case letters',
    ),
    Case("as it is", "Venue", lambda data: None),
    Case("without credentials", "Venue", lambda data: data["spec"].pop("credentials")),
    Case("a type that is not built", "Venue", _spec(type="Ccxt"), "spec.type", 'supported values: "Builtin"'),
    Case(
        "an environment that is not built",
        "Venue",
        _spec(environment="Mainnet"),
        "spec.environment",
        'supported values: "Paper"',
    ),
    Case(
        "an account with a blank",
        "Venue",
        _in("account", id="hedge 01"),
        "spec.account.id",
        "write letters, digits and inner dashes",
    ),
    Case(
        "credentials without a Secret",
        "Venue",
        _spec(credentials={"trade": {}}),
        "spec.credentials.trade.secretRef",
        "Required value",
    ),
    Case(
        "a name that is too long",
        "Venue",
        lambda data: data["metadata"].update(name="a" * 64),
        "<nil>",
        "metadata.name",
    ),
    Case("a strategy", "Halt", lambda data: None),
    Case("a venue", "Halt", _spec(target={"venue": "paper"})),
    Case("all", "Halt", _spec(target={"all": True})),
    Case(
        "no target",
        "Halt",
        _spec(target={}),
        "spec.target",
        "write one of strategy: NAME, venue: NAME and all: true",
    ),
    Case(
        "two targets",
        "Halt",
        _spec(target={"venue": "paper", "all": True}),
        "spec.target",
        "a halt has exactly one target",
    ),
    Case("all: false", "Halt", _spec(target={"all": False}), "spec.target.all", "supported values: "),
    Case("no reason", "Halt", lambda data: data["spec"].pop("reason"), "spec.reason", "Required value"),
    Case("a blank reason", "Halt", _spec(reason="  "), "spec.reason", "write one line of text"),
    Case("a reason of two lines", "Halt", _spec(reason="one\ntwo"), "spec.reason", "write one line of text"),
    Case(
        "a name with capitals",
        "Halt",
        lambda data: data["metadata"].update(name="halt.1"),
        "<nil>",
        "metadata.name",
    ),
]
