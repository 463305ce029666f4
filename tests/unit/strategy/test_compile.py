"""Everything that is wrong with a resource is found at once, at its path, with what would be right."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest
from compile_examples import (
    DEFAULT_KNOTS,
    LISTED,
    PAPER,
    SECOND,
    STRATEGY,
    VENUE,
    VENUES,
    Edit,
    account_source,
    band,
    by_risk,
    by_score,
    compiled,
    leg,
    parsed,
    problems,
)

from hedgerow.strategy.compile import compile_strategy, compile_venue
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.problem import Problem
from hedgerow.strategy.venue import Venue

HEDGES = 'use one of: "BTC/USDC:USDC", "BTC/USDT:USDT", "ETH/USDT:USDT", "NVDA/USD", "SPX/USD:USD-301220"'
CURVE = "spec.policy.sentimentCurve[0]"
CASES: list[tuple[str, Edit, str]] = [
    (
        "a hysteresis over a whole step",
        by_risk(hysteresis="15"),
        "spec.policy.inventoryRisk[0].hysteresis: actions are 15 points of score apart, so an action could never be "
        'lowered to the next; write hysteresis below 15, e.g. "3"',
    ),
    (
        "a half-life below its bar",
        by_risk(volatilityBar="1m", volatilityHalfLife="59s"),
        "spec.policy.inventoryRisk[0].volatilityHalfLife: 59s is below volatilityBar, 1m, so little but the last bar "
        "would count; make the half-life longer or the bar shorter",
    ),
    (
        "a curve that falls",
        by_score(("0", "0.5"), ("0.5", "0.4"), ("1", "1")),
        f"{CURVE}.knots[1].hedgeFraction: 0.4 is below the fraction before it, 0.5; let the hedge never fall while "
        "the score rises",
    ),
    (
        "a score twice, otherwise written",
        by_score(("0", "0"), ("0.3", "0"), ("0.30", "0"), ("1", "1")),
        f"{CURVE}.knots[2].score: 0.30 is not above the score before it, 0.3; order the knots by score, each score "
        "once",
    ),
    (
        "a curve that begins late",
        by_score(("0.1", "0"), ("1", "1")),
        f'{CURVE}.knots[0].score: the curve begins at score 0.1; begin with score "0"',
    ),
    (
        "a curve that ends early",
        by_score(("0", "0"), ("0.9", "1")),
        f'{CURVE}.knots[1].score: the curve ends at score 0.9; end with score "1"',
    ),
    (
        "a curve that nothing hedges",
        lambda spec: (
            by_score()(spec),
            spec["policy"]["sentimentCurve"].append({"underlying": "ETH", "knots": [*DEFAULT_KNOTS]}),
        ),
        "spec.policy.sentimentCurve[1].underlying: no leg of spec.hedgeWith trades ETH; add a leg whose underlying "
        "is ETH, or drop this curve",
    ),
    (
        "a curve without an age for scores",
        lambda spec: (by_score()(spec), spec["freshness"].pop("score")),
        "spec.freshness.score: is missing, and the policy must know how old a score may be; write freshness.score, "
        "e.g. 3s, with policy SentimentCurve and with no other",
    ),
    (
        "an age for scores that nobody reads",
        lambda spec: spec["freshness"].update(score="3s"),
        "spec.freshness.score: policy Band reads no scores; write freshness.score, e.g. 3s, with policy "
        "SentimentCurve and with no other",
    ),
    (
        "an account of no Venue",
        lambda spec: spec["exposure"].append(account_source(venueRef={"name": "papr"})),
        'spec.exposure[1].account.venueRef.name: there is no Venue "papr" in namespace "default"; apply it first, or '
        'use one of: "paper"',
    ),
    (
        "an account twice",
        lambda spec: spec["exposure"].extend([account_source(), account_source("again")]),
        'spec.exposure[2].account.venueRef.name: "paper" stands already at spec.exposure[1].account.venueRef.name; '
        "count each account once",
    ),
    (
        "a part of an account twice",
        lambda spec: spec["exposure"].append(account_source(count=["Spot", "Loans", "Spot"])),
        'spec.exposure[1].account.count[2]: "Spot" stands already at spec.exposure[1].account.count[0]; count each '
        "part once",
    ),
    (
        "unknown instrument",
        lambda spec: spec["hedgeWith"][0].update(instrument="DOGE/USDT"),
        'spec.hedgeWith[0].instrument: "DOGE/USDT" is not listed; listed are: '
        + ", ".join(f'"{symbol}"' for symbol in sorted(LISTED)),
    ),
    (
        "unknown venue",
        lambda spec: spec["hedgeWith"][0]["venueRef"].update(name="papr"),
        'spec.hedgeWith[0].venueRef.name: there is no Venue "papr" in namespace "default"; '
        'apply it first, or use one of: "paper"',
    ),
    (
        "edges the wrong way round",
        lambda spec: spec["policy"]["band"][0].update(lower="25000", upper="-25000"),
        "spec.policy.band[0].lower: 25000 is not below upper, -25000; write the smaller edge as lower",
    ),
    (
        "edges equal in number, not in text",
        lambda spec: spec["policy"]["band"][0].update(lower="1.0", upper="1"),
        "spec.policy.band[0].lower: 1.0 is not below upper, 1; write the smaller edge as lower",
    ),
    (
        "a band that nothing hedges",
        lambda spec: spec["policy"]["band"].append(band(underlying="ETH")),
        "spec.policy.band[1].underlying: no leg of spec.hedgeWith trades ETH; "
        "add a leg whose underlying is ETH, or drop this band",
    ),
    (
        "a band narrower than a lot",
        lambda spec: spec["policy"]["band"][0].update(lower="0", upper="0.0009", unit="Underlying"),
        "spec.policy.band[0].upper: the band is 0.0009 BTC wide, less than one lot of BTC/USDT:USDT, so a hedge "
        "would leap across it; make it at least 0.001 BTC wide",
    ),
    (
        "a clip above the order limit",
        lambda spec: spec["execution"].update(clipNotional="50000.01"),
        "spec.execution.clipNotional: 50000.01 is above spec.limits.maxOrderNotional, 50000, so every full clip "
        "would be refused; lower the clip or raise the limit",
    ),
    (
        "more slippage than the collar lets through",
        lambda spec: spec["execution"].update(maxSlippageBps=101),
        "spec.execution.maxSlippageBps: 101 is above spec.limits.priceCollarBps, 100, so every order would be "
        "refused; allow less slippage or widen the collar",
    ),
    (
        "a style without its block",
        lambda spec: spec["execution"].update(style="Twap"),
        "spec.execution: exactly the block that `style` names belongs here; write execution.twap with style Twap, "
        "execution.escalation with style Escalation, and none with Clips",
    ),
    (
        "slices faster than the cooldown",
        lambda spec: spec["execution"].update(style="Twap", twap={"duration": "10s", "slices": 6}),
        "spec.execution.twap.slices: 6 slices in 10s come faster than the cooldown, 2s, lets them; make fewer "
        "slices, a longer duration or a shorter cooldown",
    ),
    (
        "a leg twice",
        lambda spec: spec["hedgeWith"].append(leg(instrument="BTC/USDT:USDT")),
        'spec.hedgeWith[1].instrument: "BTC/USDT:USDT on paper" stands already at spec.hedgeWith[0].instrument; '
        "name each Venue's instrument once",
    ),
    (
        "a priority twice",
        lambda spec: spec["hedgeWith"].append(leg(priority=1)),
        'spec.hedgeWith[1].priority: "1" stands already at spec.hedgeWith[0].priority; '
        "give each leg a priority of its own",
    ),
    (
        "a band twice",
        lambda spec: spec["policy"]["band"].append(band()),
        'spec.policy.band[1].underlying: "BTC" stands already at spec.policy.band[0].underlying; '
        "write one band for each underlying",
    ),
    (
        "an exposure name twice",
        lambda spec: spec["exposure"].append({"name": "clients", "book": {"name": "other"}}),
        'spec.exposure[1].name: "clients" stands already at spec.exposure[0].name; '
        "give each source a name of its own",
    ),
    (
        "a book counted twice",
        lambda spec: spec["exposure"].append({"name": "again", "book": {"name": "clients"}}),
        'spec.exposure[1].book.name: "clients" stands already at spec.exposure[0].book.name; count each book once',
    ),
]


@pytest.mark.parametrize(("edit", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_problem_is_named_at_its_path_with_what_would_be_right(edit: Edit, said: str) -> None:
    assert problems(compile_strategy(parsed(edit), VENUES, LISTED)) == [said]


def test_a_leg_without_a_band_is_refused() -> None:
    eth = msgspec.structs.replace(SECOND, symbol="ETH/USDC:USDC", underlying="ETH", base="ETH")
    listings = {**LISTED, eth.symbol: eth}
    resource = parsed(lambda spec: spec["hedgeWith"].append(leg(instrument=eth.symbol)))
    assert problems(compile_strategy(resource, VENUES, listings)) == [
        "spec.hedgeWith[1].instrument: no band says when ETH is hedged; "
        "add a band with underlying ETH to spec.policy.band, or drop this leg"
    ]


def test_a_leg_that_cannot_be_sold_short_is_refused() -> None:
    resource = parsed(lambda spec: spec["hedgeWith"][0].update(instrument="BTC/USDT"))
    assert problems(compile_strategy(resource, VENUES, LISTED)) == [
        "spec.hedgeWith[0].instrument: BTC/USDT is a coin, and a hedge needs an instrument that can be sold "
        f"short; {HEDGES}"
    ]


def test_a_leg_on_an_index_is_refused() -> None:
    def edit(spec: dict[str, Any]) -> None:
        spec["hedgeWith"][0].update(instrument="SPX")
        spec["policy"]["band"][0].update(underlying="SPX")

    resource = parsed(edit)
    assert problems(compile_strategy(resource, VENUES, LISTED)) == [
        f"spec.hedgeWith[0].instrument: SPX is an index, which has a price but is not tradable; {HEDGES}"
    ]


def test_paper_trades_only_on_a_paper_venue_and_shadow_anywhere() -> None:
    testnet = {PAPER.key: msgspec.structs.replace(PAPER, environment="Testnet")}
    assert problems(compile_strategy(parsed(), testnet, LISTED)) == [
        'spec.hedgeWith[0].venueRef.name: mode Paper cannot trade on "paper", whose environment is Testnet; '
        "use a Venue with environment Paper, or mode Shadow"
    ]
    shadow = parsed(lambda spec: spec.update(mode="Shadow"))
    assert isinstance(compile_strategy(shadow, testnet, LISTED), CompiledStrategy)


def test_venues_of_another_namespace_are_not_seen() -> None:
    elsewhere = msgspec.structs.replace(PAPER, namespace="other")
    found = compile_strategy(parsed(), {elsewhere.key: elsewhere}, LISTED)
    assert [item.path for item in found if isinstance(item, Problem)] == ["spec.hedgeWith[0].venueRef.name"]  # type: ignore[union-attr]


def test_all_problems_are_said_at_once() -> None:
    def edit(spec: dict[str, Any]) -> None:
        spec["exposure"].append({"name": "clients", "book": {"name": "other"}})
        spec["hedgeWith"][0]["venueRef"]["name"] = "nowhere"
        spec["policy"]["band"][0].update(lower="2", upper="1")
        spec["execution"].update(clipNotional="60000", maxSlippageBps=200)

    found = compile_strategy(parsed(edit), VENUES, LISTED)
    assert isinstance(found, list)
    assert [problem.path for problem in found] == [
        "spec.exposure[1].name",
        "spec.hedgeWith[0].venueRef.name",
        "spec.policy.band[0].lower",
        "spec.execution.clipNotional",
        "spec.execution.maxSlippageBps",
    ]


def venue(**account: str) -> Venue:
    data = deepcopy(VENUE)
    data["spec"]["account"].update(account)
    resource = parse_resource(data)
    assert isinstance(resource, Venue)
    return resource


def test_a_venue_compiles_to_what_the_executor_needs() -> None:
    assert compile_venue(venue(), {}, []) == PAPER


def test_a_venue_keeps_its_account_while_a_strategy_hedges_on_it() -> None:
    live = compiled()
    assert problems(compile_venue(venue(id="hedge-02"), VENUES, [live])) == [
        'spec.account.id: the account cannot change from "hedge-01" to "hedge-02" while strategies hedge on it: '
        '"default/btc-band"; delete those strategies first, or declare a Venue of another name'
    ]
    assert isinstance(compile_venue(venue(id="hedge-02"), VENUES, []), CompiledVenue)
    assert isinstance(compile_venue(venue(), VENUES, [live]), CompiledVenue)


def test_one_account_belongs_to_one_venue() -> None:
    other = msgspec.structs.replace(PAPER, name="other")
    assert problems(compile_venue(venue(), {other.key: other}, [])) == [
        'spec.account.id: "hedge-01" is already the account of Venue default/other; '
        "use that Venue, or another account: limits hold for one account under one name"
    ]


@pytest.mark.parametrize(
    ("policy", "there"),
    [
        ({"type": "SentimentCurve"}, "none is here"),
        ({"type": "Band", "band": [band()], "sentimentCurve": []}, "is empty"),
        ({"type": "SentimentCurve", "band": [band()]}, "those of Band are here"),
    ],
)
def test_a_policy_needs_its_own_block_and_no_other(policy: dict[str, Any], there: str) -> None:
    data = deepcopy(STRATEGY)
    data["spec"]["policy"] = policy
    assert there in " ".join(problems(parse_resource(data)))
