"""Ways to write an LTV ladder: its debt, haircuts, steps and targets."""

from typing import Any

from resource_case import Case, strategy
from resource_documents import Data

LADDER_AT = "spec.policy.loanToValue"
LADDER_STATES = ("normal", "caution", "danger", "critical")
LADDER_TEXTS = (
    "debt.exposureName",
    *(f"{state}.{target}" for state in LADDER_STATES for target in ("hedgeFraction", "targetDelta")),
    *(f"{state}.ltv" for state in LADDER_STATES[1:]),
    *("hysteresis", "minDwell", "noTradeNotional", "liquidationLtv"),
)


def _by_ltv(data: Data, **changes: Any) -> None:
    ladder = {
        "debt": {"exposureName": "loans"},
        "haircuts": [{"asset": "BTC", "haircut": "0.95"}],
        "caution": {"ltv": "0.65", "hedgeFraction": "0.3"},
        "danger": {"ltv": "0.80", "hedgeFraction": "0.7"},
        "critical": {"ltv": "0.90", "hedgeFraction": "1"},
        **changes,
    }
    data["spec"]["policy"] = {"type": "LoanToValue", "loanToValue": ladder}
    data["spec"]["exposure"].append({"name": "loans", "book": {"name": "loans"}})


def _ltv_step(ltv: str, hedge_fraction: str | None = None, **changes: Any) -> Data:
    target = {} if hedge_fraction is None else {"hedgeFraction": hedge_fraction}
    return {"ltv": ltv, **target, **changes}


def _bad_ladder_text(path: str) -> Case:
    """A ladder where one text is of the wrong kind; a state's other target makes place for it."""
    block, _, name = path.rpartition(".")

    def edit(data: Data) -> None:
        _by_ltv(data)
        ladder: Data = data["spec"]["policy"]["loanToValue"]
        inner = ladder.setdefault(block, {}) if block else ladder
        if name in ("hedgeFraction", "targetDelta"):
            inner.pop("hedgeFraction", None)
        inner[name] = " ?"

    return strategy(f"a ladder's {path} that is none", edit, f"{LADDER_AT}.{path}", "does not fit; write ")


def _two_targets(state: str) -> Case:
    def edit(data: Data) -> None:
        _by_ltv(data)
        step: Data = data["spec"]["policy"]["loanToValue"].setdefault(state, {})
        step.update(hedgeFraction="1", targetDelta="0")

    return strategy(
        f"{state} with two targets", edit, f"{LADDER_AT}.{state}", "a state has exactly one target"
    )


def _funding(data: Data, **changes: Any) -> None:
    data["spec"]["policy"]["funding"] = changes


LADDER_CASES = [
    strategy("an LTV ladder", lambda d: _by_ltv(d)),
    strategy(
        "an LTV ladder with everything",
        lambda d: _by_ltv(
            d,
            normal={"hedgeFraction": "0.1"},
            hysteresis="0.099999999",
            minDwell="0s",
            noTradeNotional="5000",
            liquidationLtv="0.95",
        ),
    ),
    strategy(
        "HedgeLock's target deltas",
        lambda d: _by_ltv(
            d,
            normal={"targetDelta": "0"},
            caution=_ltv_step("0.65", targetDelta="0.02"),
            danger=_ltv_step("0.80", targetDelta="0"),
            critical=_ltv_step("0.90", targetDelta="-0.1"),
        ),
    ),
    strategy(
        "fractions and a delta between them",
        lambda d: _by_ltv(d, danger=_ltv_step("0.80", targetDelta="0.5")),
    ),
    strategy(
        "a ladder without its block",
        lambda d: (_by_ltv(d), d["spec"]["policy"].pop("loanToValue")),
        "spec.policy",
        "policy.loanToValue with type LoanToValue",
    ),
    strategy(
        "a debt of no source",
        lambda d: _by_ltv(d, debt={"exposureName": "owed"}),
        f"{LADDER_AT}.debt.exposureName",
        "name the source that tells the loans",
    ),
    strategy(
        "thresholds that do not rise",
        lambda d: _by_ltv(d, danger=_ltv_step("0.650", "0.7")),
        LADDER_AT,
        "caution 0.65, danger 0.650 and critical 0.90 do not rise",
    ),
    strategy(
        "critical below danger",
        lambda d: _by_ltv(d, critical=_ltv_step("0.70", "1")),
        LADDER_AT,
        "write the lowest as caution and the highest as critical",
    ),
    strategy(
        "a state that hedges less than a lower one",
        lambda d: _by_ltv(d, critical=_ltv_step("0.90", "0.6")),
        LADDER_AT,
        "let hedgeFraction never fall while the LTV rises",
    ),
    strategy(
        "a state that hedges less than the one below the next",
        lambda d: _by_ltv(d, danger=_ltv_step("0.80", targetDelta="0"), critical=_ltv_step("0.90", "0.2")),
        LADDER_AT,
        "a state hedges less than a lower one",
    ),
    strategy(
        "caution that hedges less than normal",
        lambda d: _by_ltv(d, normal={"hedgeFraction": "0.300000001"}),
        LADDER_AT,
        "a state hedges less than a lower one",
    ),
    strategy(
        "a hysteresis as wide as a step",
        lambda d: _by_ltv(d, hysteresis="0.1"),
        f"{LADDER_AT}.hysteresis",
        "write it smaller than caution and than the steps between the states",
    ),
    strategy(
        "a lender who sells before the last state",
        lambda d: _by_ltv(d, liquidationLtv="0.9"),
        f"{LADDER_AT}.liquidationLtv",
        "write critical.ltv below liquidationLtv",
    ),
    strategy(
        "a haircut that counts nothing",
        lambda d: _by_ltv(d, haircuts=[{"asset": "BTC", "haircut": "0"}]),
        f"{LADDER_AT}.haircuts[0].haircut",
        "write a fraction above 0 and up to 1",
    ),
    strategy(
        "a haircut for no asset",
        lambda d: _by_ltv(d, haircuts=[{"asset": " ?", "haircut": "1"}]),
        f"{LADDER_AT}.haircuts[0].asset",
        "write an asset in capital letters",
    ),
    strategy(
        "a haircut above one",
        lambda d: _by_ltv(d, haircuts=[{"asset": "BTC", "haircut": "1.05"}]),
        f"{LADDER_AT}.haircuts[0].haircut",
        "write a fraction above 0 and up to 1",
    ),
    strategy(
        "a haircut twice",
        lambda d: _by_ltv(d, haircuts=[{"asset": "BTC", "haircut": "1"}] * 2),
        f"{LADDER_AT}.haircuts[1]",
        "Duplicate value",
    ),
    strategy(
        "no haircuts",
        lambda d: _by_ltv(d, haircuts=[]),
        f"{LADDER_AT}.haircuts",
        "at least 1 items",
    ),
    strategy(
        "an LTV without quotes",
        lambda d: _by_ltv(d, caution={"ltv": 0.65, "hedgeFraction": "0.3"}),
        f"{LADDER_AT}.caution.ltv",
        'must be of type string: "number"',
    ),
    *(_bad_ladder_text(path) for path in LADDER_TEXTS),
    *(_two_targets(state) for state in LADDER_STATES),
    strategy(
        "a state without a target",
        lambda d: _by_ltv(d, danger=_ltv_step("0.80")),
        f"{LADDER_AT}.danger",
        "write hedgeFraction, or targetDelta",
    ),
    strategy(
        "a ladder zone of nothing",
        lambda d: _by_ltv(d, noTradeNotional="0"),
        f"{LADDER_AT}.noTradeNotional",
        "write a positive decimal string",
    ),
    strategy("funding that counts", lambda d: (_by_ltv(d), _funding(d, aware=True, maxDailyCostBps=15))),
    strategy(
        "funding of a band",
        lambda d: _funding(d, aware=True),
        "spec.policy.funding",
        "write policy.funding with type SentimentCurve or LoanToValue",
    ),
    strategy(
        "a daily cost beyond all",
        lambda d: (_by_ltv(d), _funding(d, aware=True, maxDailyCostBps=10_001)),
        "spec.policy.funding.maxDailyCostBps",
        "less than or equal to 10000",
    ),
    strategy(
        "an age of funding that is none",
        lambda d: (_by_ltv(d), _funding(d, aware=True, maxAge="0s")),
        "spec.policy.funding.maxAge",
        "write a positive whole number with its unit",
    ),
]
