"""What is wrong with an LTV ladder is said at its path, with what would be right."""

from decimal import Decimal

import pytest
from compile_examples import LISTED, VENUES, Edit, by_ltv, compiled, parsed, problems

from hedgerow.strategy.compile import compile_strategy
from hedgerow.strategy.compiled import FundingAware

AT = "spec.policy.loanToValue"


def both(first: Edit, second: Edit) -> Edit:
    return lambda spec: (first(spec), second(spec))


ETH_LEG = {"venueRef": {"name": "paper"}, "instrument": "ETH/USDT:USDT", "priority": 2}
CASES: list[tuple[str, Edit, str]] = [
    (
        "funding of a band",
        lambda spec: spec["policy"].update(funding={"aware": True}),
        "spec.policy.funding: only policies that hedge a part of the exposure count funding; write policy.funding with "
        "type SentimentCurve or LoanToValue",
    ),
    (
        "a debt of no source",
        by_ltv(debt={"exposureName": "owed"}),
        f'{AT}.debt.exposureName: no source in spec.exposure is named "owed"; name the one that tells the loans, one '
        'of: "clients", "loans"',
    ),
    (
        "thresholds that do not rise",
        by_ltv(danger={"ltv": "0.650", "hedgeFraction": "0.7"}),
        f"{AT}.danger.ltv: 0.65 is not above that of caution, 0.65; write the lowest as caution and the highest as "
        "critical",
    ),
    (
        "critical below danger",
        by_ltv(critical={"ltv": "0.7", "hedgeFraction": "1"}),
        f"{AT}.critical.ltv: 0.7 is not above that of danger, 0.8; write the lowest as caution and the highest as "
        "critical",
    ),
    (
        "a state that hedges less than a lower one",
        by_ltv(critical={"ltv": "0.9", "hedgeFraction": "0.6"}),
        f"{AT}.critical.hedgeFraction: 0.6 is below that of danger, 0.7; let hedgeFraction never fall while the LTV "
        "rises",
    ),
    (
        "caution below normal",
        by_ltv(normal={"hedgeFraction": "0.4"}),
        f"{AT}.caution.hedgeFraction: 0.3 is below that of normal, 0.4; let hedgeFraction never fall while the LTV "
        "rises",
    ),
    (
        "no target",
        by_ltv(danger={"ltv": "0.8"}),
        f"{AT}.danger: a state has exactly one target; write hedgeFraction, or targetDelta",
    ),
    (
        "two targets",
        by_ltv(danger={"ltv": "0.8", "hedgeFraction": "0.7", "targetDelta": "0"}),
        f"{AT}.danger: a state has exactly one target; write hedgeFraction, or targetDelta",
    ),
    (
        "one delta for two underlyings",
        both(
            by_ltv(caution={"ltv": "0.65", "targetDelta": "0.02"}),
            lambda spec: spec["hedgeWith"].append(ETH_LEG),
        ),
        f'{AT}.caution.targetDelta: the legs of spec.hedgeWith hedge "BTC", "ETH", and one delta cannot be meant for '
        "each; write hedgeFraction, or a strategy for each underlying",
    ),
    (
        "a hysteresis as wide as a step",
        by_ltv(hysteresis="0.1"),
        f"{AT}.hysteresis: the hysteresis is as wide as a step, so a state would be left below the one under it; "
        'write it smaller than caution and than the steps between the states, e.g. "0.005"',
    ),
    (
        "a lender who sells before the last state",
        by_ltv(liquidationLtv="0.90"),
        f"{AT}.liquidationLtv: the lender would sell before the last state is entered; write critical.ltv below "
        "liquidationLtv",
    ),
    (
        "a haircut twice",
        by_ltv(haircuts=[{"asset": "BTC", "haircut": "0.9"}, {"asset": "BTC", "haircut": "0.8"}]),
        f'{AT}.haircuts[1].asset: "BTC" stands already at {AT}.haircuts[0].asset; write one haircut for each asset',
    ),
    (
        "a haircut of what has no price",
        by_ltv(haircuts=[{"asset": "DOGE", "haircut": "0.9"}]),
        f'{AT}.haircuts[0].asset: DOGE has no price here; write one of: "BTC", "ETH", "NVDA", "USD", "USDT"',
    ),
]


@pytest.mark.parametrize(("edit", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_is_said(edit: Edit, said: str) -> None:
    assert problems(compile_strategy(parsed(edit), VENUES, LISTED)) == [said]


def test_funding_that_counts_is_compiled_and_what_does_not_is_left_out() -> None:
    def funded(**changes: object) -> Edit:
        return both(by_ltv(), lambda spec: spec["policy"].update(funding=changes))

    found = compiled(funded(aware=True, maxDailyCostBps=15)).funding
    assert found == FundingAware(max_daily_cost_bps=Decimal(15), max_age_ns=600_000_000_000)
    assert compiled(funded(aware=False, maxDailyCostBps=15)).funding is None
    assert compiled(by_ltv()).funding is None
