"""What a resource becomes: its meaning in nanoseconds and Decimals, under a revision that names the meaning."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from compile_examples import (
    LISTED,
    SECOND,
    STRATEGY,
    VENUES,
    band,
    by_ltv,
    by_risk,
    by_score,
    compiled,
    leg,
    problems,
)
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.strategy.compile import compile_strategy, revision_of
from hedgerow.strategy.compiled import (
    CompiledStrategy,
    Escalation,
    LadderRule,
    LtvTarget,
    Mode,
    OnStale,
    Style,
    Twap,
    UnknownEntry,
)
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.spec import HedgeStrategy


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


@pytest.mark.parametrize(("instrument", "underlying"), [("NVDA/USD", "NVDA"), ("SPX/USD:USD-301220", "SPX")])
def test_shares_and_futures_hedge_their_underlying(instrument: str, underlying: str) -> None:
    def edit(spec: dict[str, Any]) -> None:
        spec["hedgeWith"][0].update(instrument=instrument)
        spec["policy"]["band"][0].update(underlying=underlying)

    config = compiled(edit)
    assert [leg.instrument.symbol for leg in config.hedge_with] == [instrument]


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


def test_what_is_done_with_a_stale_exposure_is_hold_unless_it_is_declared() -> None:
    assert compiled().freshness.on_stale is OnStale.HOLD
    reduces = compiled(lambda spec: spec["freshness"].update(onStale="ReduceOnly"))
    assert reduces.freshness.on_stale is OnStale.REDUCE_ONLY
    assert revision_of(reduces) != revision_of(compiled())


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


def test_a_ladder_is_compiled_with_canonical_numbers_and_hedges_what_has_a_leg() -> None:
    config = compiled(by_ltv(noTradeNotional="5000", liquidationLtv="0.950", minDwell="1m"))
    assert (config.bands, config.sentiment_curves, config.scored) == ((), (), frozenset())
    assert (config.underlyings, config.priced) == ({"BTC"}, {"BTC"})
    ladder = config.loan_to_value
    assert ladder is not None
    assert config.rules == (LadderRule(underlying="BTC", ladder=ladder),)
    assert (ladder.debt, ladder.min_dwell_ns) == ("loans", 60_000_000_000)
    assert [(item.asset, str(item.haircut)) for item in ladder.haircuts] == [("BTC", "0.95")]
    targets = (ladder.normal, ladder.caution.target, ladder.danger.target, ladder.critical.target)
    assert [str(target.hedge_fraction) for target in targets] == ["0", "0.3", "0.7", "1"]
    assert [str(step.ltv) for step in (ladder.caution, ladder.danger, ladder.critical)] == [
        "0.65",
        "0.8",
        "0.9",
    ]
    assert (str(ladder.hysteresis), str(ladder.no_trade_notional)) == ("0.005", "5000")
    assert str(ladder.liquidation_ltv) == "0.95"
    assert revision_of(config) == revision_of(
        compiled(by_ltv(noTradeNotional="5000.00", liquidationLtv="0.95", minDwell="60s"))
    )


def test_a_ladder_of_target_deltas_is_compiled() -> None:
    config = compiled(
        by_ltv(
            normal={"targetDelta": "0"},
            caution={"ltv": "0.65", "targetDelta": "0.02"},
            danger={"ltv": "0.8", "targetDelta": "0"},
            critical={"ltv": "0.9", "targetDelta": "-0.1"},
        )
    )
    ladder = config.loan_to_value
    assert ladder is not None
    assert ladder.normal == LtvTarget(target_delta=Decimal(0))
    assert ladder.critical.target == LtvTarget(target_delta=Decimal("-0.1"))


def test_an_inventory_s_risk_is_compiled_with_canonical_numbers_and_documented_defaults() -> None:
    config = compiled(by_risk(volatilityBar="10s", reevaluateAfter={"full": "2m"}))
    assert (config.bands, config.underlyings, config.scored) == ((), {"BTC"}, set())
    (rule,) = config.inventory_risks
    assert (str(rule.max_loss), str(rule.max_volatility), str(rule.max_depth_share)) == ("0.05", "1.2", "0.5")
    assert rule.max_age_ns == 8 * 3_600_000_000_000
    assert (rule.volatility_bar_ns, rule.volatility_half_life_ns) == (10_000_000_000, 1_800_000_000_000)
    assert (rule.hysteresis, rule.max_cost_bps, rule.no_trade_notional) == (3, 50, 0)
    assert rule.on_unknown_entry is UnknownEntry.HOLD
    seconds = [times // 1_000_000_000 for times in msgspec.structs.astuple(rule.reevaluation)]
    assert seconds == [900, 300, 120, 30]
    assert revision_of(config) == revision_of(
        compiled(by_risk(volatilityBar="10s", reevaluateAfter={"full": "120s"}, maxDepthShare="0.5"))
    )
