"""Everything that is wrong with a resource is found at once, at its path, with what would be right."""

from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.instruments import LISTINGS, find_instrument
from hedgerow.strategy.compile import compile_strategy, compile_venue, revision_of
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue, Escalation, Mode, Style, Twap
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.problem import Problem
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue

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
PAPER = CompiledVenue(
    namespace="default",
    name="paper",
    type="Builtin",
    environment="Paper",
    trading_enabled=True,
    account="hedge-01",
    max_gross_notional=Decimal(5_000_000),
    orders_per_second=10,
)
VENUES = {PAPER.key: PAPER}
# A second leg needs a second perpetual; the exchange lists one so far.
SECOND = msgspec.structs.replace(
    find_instrument("BTC/USDT:USDT"), symbol="BTC/USDC:USDC", quote="USDC", settle="USDC"
)
LISTED = {**LISTINGS, SECOND.symbol: SECOND}
HEDGES = 'use one of: "BTC/USDC:USDC", "BTC/USDT:USDT", "ETH/USDT:USDT", "NVDA/USD", "SPX/USD:USD-301220"'
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


DEFAULT_KNOTS = ({"score": "0", "hedgeFraction": "0.050"}, {"score": "1.0", "hedgeFraction": "1"})
CURVE = "spec.policy.sentimentCurve[0]"
CASES: list[tuple[str, Edit, str]] = [
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


def test_styles_are_compiled_and_clips_keep_the_revision_that_they_had() -> None:
    twap = compiled(lambda spec: spec["execution"].update(style="Twap", twap={"duration": "1m", "slices": 6}))
    assert twap.execution.twap == Twap(duration_ns=60_000_000_000, slices=6)
    ladder = {"passiveFor": "5s", "aggressiveFor": "4s", "insideTicks": 1}
    escalation = compiled(
        lambda spec: spec["execution"].update(style="Escalation", escalation=ladder, legs="Together")
    )
    assert escalation.execution.together
    assert escalation.execution.escalation == Escalation(
        passive_ns=5_000_000_000,
        inside_ticks=1,
        reprice_ticks=5,
        aggressive_ns=4_000_000_000,
        second_instrument_ns=10_000_000_000,
        retry_ns=60_000_000_000,
    )
    assert compiled().execution.style is Style.CLIPS
    assert not {"twap", "escalation", "together"} & set(msgspec.to_builtins(compiled())["execution"])


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


@pytest.mark.parametrize(("instrument", "underlying"), [("NVDA/USD", "NVDA"), ("SPX/USD:USD-301220", "SPX")])
def test_shares_and_futures_hedge_their_underlying(instrument: str, underlying: str) -> None:
    def edit(spec: dict[str, Any]) -> None:
        spec["hedgeWith"][0].update(instrument=instrument)
        spec["policy"]["band"][0].update(underlying=underlying)

    config = compiled(edit)
    assert [leg.instrument.symbol for leg in config.hedge_with] == [instrument]


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


def test_units_become_nanoseconds_and_decimals_and_defaults_are_the_documented_ones() -> None:
    config = compiled(lambda spec: spec.pop("mode"))
    assert (config.mode, config.suspend, config.currency) == (Mode.SHADOW, False, "USD")
    assert (config.freshness.quote_ns, config.freshness.book_ns) == (3_000_000_000, 5_000_000_000)
    assert config.execution.cooldown_ns == 2_000_000_000
    assert config.execution.unknown_deadline_ns == 60_000_000_000
    assert (config.bands[0].lower, config.bands[0].upper) == (Decimal(-25000), Decimal(25000))
    assert config.hedge_with[0].venue == "default/paper"
    assert config.hedge_with[0].account == "hedge-01"


def test_legs_are_sorted_by_priority_and_keep_the_index_of_their_place_in_the_resource() -> None:
    def prefer(first: int, second: int) -> list[tuple[int, str]]:
        def edit(spec: dict[str, Any]) -> None:
            spec["hedgeWith"][0]["priority"] = first
            spec["hedgeWith"].append(leg(priority=second))

        return [(item.index, item.instrument.symbol) for item in compiled(edit).hedge_with]

    assert prefer(1, 2) == [(0, "BTC/USDT:USDT"), (1, SECOND.symbol)]
    assert prefer(2, 1) == [(1, SECOND.symbol), (0, "BTC/USDT:USDT")]


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


def test_the_revision_names_the_meaning_not_the_writing() -> None:
    def rewrite(spec: dict[str, Any]) -> None:
        spec["execution"].update(clipNotional="10000.00", cooldown="2000ms")
        spec["policy"]["band"][0].update(lower="-25000.0", unit="Notional")
        spec["suspend"] = False

    assert revision_of(compiled(rewrite)) == revision_of(compiled())
    assert revision_of(compiled(lambda spec: spec["execution"].update(cooldown="2001ms"))) != revision_of(
        compiled()
    )
    # A change of this name means that every strategy that is live becomes a new generation.
    assert revision_of(compiled()) == "478d7839a941"


def _shuffled(data: Any, draw: Callable[[Any], Any]) -> Any:
    if isinstance(data, dict):
        return {key: _shuffled(data[key], draw) for key in draw(st.permutations(list(data)))}
    return [_shuffled(item, draw) for item in data] if isinstance(data, list) else data


@given(st.data())
def test_the_revision_is_the_same_for_every_order_of_keys(data: st.DataObject) -> None:
    resource = parse_resource(_shuffled(STRATEGY, data.draw))
    assert isinstance(resource, HedgeStrategy)
    result = compile_strategy(resource, VENUES, LISTED)
    assert isinstance(result, CompiledStrategy)
    assert revision_of(result) == revision_of(compiled())


names = st.sampled_from(["clients", "desk", "paper", "other"])
numbers = st.decimals(min_value=-(10**14), max_value=10**14, places=9).map(lambda value: f"{value:f}")
positives = st.decimals(min_value="0.000000001", max_value=10**14, places=9).map(lambda value: f"{value:f}")
durations = st.builds("{}{}".format, st.integers(1, 99_999), st.sampled_from(["ms", "s", "m", "h"]))
specs = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["Shadow", "Paper"]),
        "exposure": st.lists(
            st.builds(lambda name, book: {"name": name, "book": {"name": book}}, names, names),
            min_size=1,
            max_size=16,
        ),
        "hedgeWith": st.lists(
            st.builds(
                lambda name, instrument, priority: leg(
                    venueRef={"name": name}, instrument=instrument, priority=priority
                ),
                names,
                st.sampled_from(["BTC/USDC:USDC", "BTC/USDT", "BTC/USDT:USDT", "ETH/USDT"]),
                st.integers(1, 100),
            ),
            min_size=1,
            max_size=16,
        ),
        "policy": st.fixed_dictionaries(
            {
                "type": st.just("Band"),
                "band": st.lists(
                    st.builds(
                        lambda underlying, lower, upper, unit: band(
                            underlying=underlying, lower=lower, upper=upper, unit=unit
                        ),
                        st.sampled_from(["BTC", "ETH"]),
                        numbers,
                        numbers,
                        st.sampled_from(["Notional", "Underlying"]),
                    ),
                    min_size=1,
                    max_size=16,
                ),
            }
        ),
        "freshness": st.fixed_dictionaries({"quote": durations, "book": durations}),
        "execution": st.fixed_dictionaries(
            {"clipNotional": positives, "maxSlippageBps": st.integers(0, 1000)}
        ),
        "limits": st.fixed_dictionaries(
            {
                "maxOrderNotional": positives,
                "maxPositionNotional": positives,
                "maxOrdersPerMinute": st.integers(1, 6000),
                "priceCollarBps": st.integers(1, 5000),
            }
        ),
    }
)


@given(specs)
def test_whatever_has_the_right_shape_compiles_or_says_why_not(spec: dict[str, Any]) -> None:
    resource = parse_resource({**STRATEGY, "spec": spec})
    assert isinstance(resource, HedgeStrategy), problems(resource)
    result = compile_strategy(resource, VENUES, LISTED)
    if isinstance(result, CompiledStrategy):
        again = msgspec.json.decode(msgspec.json.encode(result), type=CompiledStrategy)
        assert again == result
        assert revision_of(again) == revision_of(result)
        assert sorted(item.index for item in result.hedge_with) == list(range(len(spec["hedgeWith"])))
    else:
        assert result
        assert all(problem.at[0] == "spec" and problem.wrong and problem.right for problem in result)


def test_a_sentiment_curve_is_compiled_with_canonical_numbers() -> None:
    config = compiled(by_score(maxHedgeFraction="0.80", noTradeNotional="5000"))
    assert config.bands == ()
    assert (config.underlyings, config.scored) == ({"BTC"}, {"BTC"})
    assert config.freshness.score_ns == 3_000_000_000
    (curve,) = config.sentiment_curves
    assert [(str(knot.score), str(knot.hedge_fraction)) for knot in curve.knots] == [
        ("0", "0.05"),
        ("1", "1"),
    ]
    assert (str(curve.max_hedge_fraction), str(curve.no_trade_notional)) == ("0.8", "5000")
    assert revision_of(config) == revision_of(
        compiled(by_score(maxHedgeFraction="0.8", noTradeNotional="5000.0"))
    )


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
