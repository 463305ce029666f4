"""The policies' blocks, but for the LTV ladder: what is wrong with them, and what the streams run on. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import plain
from hedgerow.strategy.compiled import (
    Band,
    BandUnit,
    FundingAware,
    InventoryRisk,
    Knot,
    Reevaluation,
    SentimentCurve,
)
from hedgerow.strategy.fields import decimal_if, decimal_of, duration_ns
from hedgerow.strategy.policies import (
    FUNDED,
    FUNDING_SIZES_A_PART,
    BandRule,
    CurveKnot,
    FundingSpec,
    InventoryRiskRule,
    SentimentCurveRule,
)
from hedgerow.strategy.problem import FieldPath, Problem, repeated
from hedgerow.strategy.spec import HedgeStrategySpec

# Between the thresholds of an inventory policy's actions, in points of its score.
_LEAST_STEP = 15
# The block of each policy type that has a rule for each underlying, and what one of them is called. The LTV ladder is
# one for whatever the legs hedge.
RULE_BLOCKS = {
    "Band": ("band", "band"),
    "SentimentCurve": ("sentimentCurve", "curve"),
    "InventoryRisk": ("inventoryRisk", "rule"),
}


def policy_problems(spec: HedgeStrategySpec, instruments: Mapping[str, Instrument]) -> Iterator[Problem]:
    """Everything that is wrong with what the policy says, beyond its shape."""
    yield from _rule_problems(spec, instruments)
    yield from _band_problems(spec, instruments)
    yield from _curve_problems(spec)
    yield from _inventory_problems(spec)
    yield from _funding_problems(spec)


def compiled_band(band: BandRule) -> Band:
    """A band in which nothing is wrong, as the others here."""
    return Band(
        underlying=band.underlying,
        lower=decimal_of(band.lower),
        upper=decimal_of(band.upper),
        unit=band.unit,
    )


def compiled_funding(funding: FundingSpec | None) -> FundingAware | None:
    """None where the policy does not look at funding."""
    if funding is None or not funding.aware:
        return None
    limit = funding.max_daily_cost_bps
    return FundingAware(
        max_daily_cost_bps=None if limit is None else Decimal(limit), max_age_ns=duration_ns(funding.max_age)
    )


def compiled_curve(curve: SentimentCurveRule) -> SentimentCurve:
    """Of one underlying."""
    return SentimentCurve(
        underlying=curve.underlying,
        knots=tuple(
            Knot(score=decimal_of(knot.score), hedge_fraction=decimal_of(knot.hedge_fraction))
            for knot in curve.knots
        ),
        max_hedge_fraction=decimal_of(curve.max_hedge_fraction),
        no_trade_notional=Decimal(0)
        if curve.no_trade_notional is None
        else decimal_of(curve.no_trade_notional),
    )


def compiled_inventory(rule: InventoryRiskRule) -> InventoryRisk:
    """Of one underlying."""
    times = rule.reevaluate_after
    return InventoryRisk(
        underlying=rule.underlying,
        max_loss=decimal_of(rule.max_loss),
        max_age_ns=duration_ns(rule.max_age),
        max_volatility=decimal_of(rule.max_volatility),
        max_depth_share=decimal_of(rule.max_depth_share),
        volatility_bar_ns=duration_ns(rule.volatility_bar),
        volatility_half_life_ns=duration_ns(rule.volatility_half_life),
        hysteresis=decimal_of(rule.hysteresis),
        max_cost_bps=Decimal(rule.max_cost_bps),
        no_trade_notional=decimal_if(rule.no_trade_notional) or Decimal(0),
        on_unknown_entry=rule.on_unknown_entry,
        reevaluation=Reevaluation(
            reduce_ns=duration_ns(times.reduce),
            partial_ns=duration_ns(times.partial),
            full_ns=duration_ns(times.full),
            liquidate_ns=duration_ns(times.liquidate),
        ),
    )


def _rule_problems(spec: HedgeStrategySpec, instruments: Mapping[str, Instrument]) -> Iterator[Problem]:
    """What holds for the rules of underlyings, whatever the policy: each underlying once, and each with a leg."""
    if spec.policy.type not in RULE_BLOCKS:
        return
    block, rule = RULE_BLOCKS[spec.policy.type]
    at = ("spec", "policy", block)
    legs = [instruments[leg.instrument] for leg in spec.hedge_with if leg.instrument in instruments]
    unlisted = len(legs) < len(spec.hedge_with)
    hedged = {instrument.underlying for instrument in legs}
    for number, underlying in enumerate(spec.policy.underlyings):
        # While a leg is unlisted its underlying is unknown, and may be this one.
        if underlying not in hedged and not unlisted:
            yield Problem(
                at=(*at, number, "underlying"),
                wrong=f"no leg of spec.hedgeWith trades {underlying}",
                right=f"add a leg whose underlying is {underlying}, or drop this {rule}",
            )
    yield from repeated(spec.policy.underlyings, at, ("underlying",), f"write one {rule} for each underlying")


def _band_problems(spec: HedgeStrategySpec, instruments: Mapping[str, Instrument]) -> Iterator[Problem]:
    legs = [instruments[leg.instrument] for leg in spec.hedge_with if leg.instrument in instruments]
    for number, band in enumerate(spec.policy.bands):
        here = ("spec", "policy", "band", number)
        lower, upper = decimal_of(band.lower), decimal_of(band.upper)
        if lower >= upper:
            yield Problem(
                at=(*here, "lower"),
                wrong=f"{band.lower} is not below upper, {band.upper}",
                right="write the smaller edge as lower",
            )
        for instrument in (item for item in legs if item.underlying == band.underlying):
            lot = instrument.delta(instrument.lot_size)
            if band.unit is BandUnit.UNDERLYING and lower < upper < lower + lot:
                yield Problem(
                    at=(*here, "upper"),
                    wrong=f"the band is {plain(upper - lower)} {band.underlying} wide, less than one lot of "
                    f"{instrument.symbol}, so a hedge would leap across it",
                    right=f"make it at least {plain(lot)} {band.underlying} wide",
                )


def _curve_problems(spec: HedgeStrategySpec) -> Iterator[Problem]:
    for number, curve in enumerate(spec.policy.sentiment_curves):
        yield from _knot_problems(curve.knots, ("spec", "policy", "sentimentCurve", number, "knots"))
    reads_scores = spec.policy.type == "SentimentCurve"
    if reads_scores is not (spec.freshness.score is not None):
        yield Problem(
            at=("spec", "freshness", "score"),
            wrong="is missing, and the policy must know how old a score may be"
            if reads_scores
            else f"policy {spec.policy.type} reads no scores",
            right="write freshness.score, e.g. 3s, with policy SentimentCurve and with no other",
        )


def _knot_problems(knots: Sequence[CurveKnot], at: FieldPath) -> Iterator[Problem]:
    """Knots that are no non-decreasing curve from score 0 to score 1."""
    for number, (before, knot) in enumerate(pairwise(knots), 1):
        if decimal_of(knot.score) <= decimal_of(before.score):
            yield Problem(
                at=(*at, number, "score"),
                wrong=f"{knot.score} is not above the score before it, {before.score}",
                right="order the knots by score, each score once",
            )
        if decimal_of(knot.hedge_fraction) < decimal_of(before.hedge_fraction):
            yield Problem(
                at=(*at, number, "hedgeFraction"),
                wrong=f"{knot.hedge_fraction} is below the fraction before it, {before.hedge_fraction}",
                right="let the hedge never fall while the score rises",
            )
    ends = ((0, Decimal(0), "begin"), (len(knots) - 1, Decimal(1), "end"))
    for number, wanted, verb in ends:
        if decimal_of(knots[number].score) != wanted:
            yield Problem(
                at=(*at, number, "score"),
                wrong=f"the curve {verb}s at score {knots[number].score}",
                right=f'{verb} with score "{wanted}"',
            )


def _inventory_problems(spec: HedgeStrategySpec) -> Iterator[Problem]:
    for number, rule in enumerate(spec.policy.inventory_risks):
        here = ("spec", "policy", "inventoryRisk", number)
        if decimal_of(rule.hysteresis) >= _LEAST_STEP:
            yield Problem(
                at=(*here, "hysteresis"),
                wrong="actions are 15 points of score apart, so an action could never be lowered to the next",
                right='write hysteresis below 15, e.g. "3"',
            )
        if duration_ns(rule.volatility_half_life) < duration_ns(rule.volatility_bar):
            yield Problem(
                at=(*here, "volatilityHalfLife"),
                wrong=f"{rule.volatility_half_life} is below volatilityBar, {rule.volatility_bar}, so little but the "
                "last bar would count",
                right="make the half-life longer or the bar shorter",
            )


def _funding_problems(spec: HedgeStrategySpec) -> Iterator[Problem]:
    if spec.policy.funding is not None and spec.policy.type not in FUNDED:
        yield Problem(
            at=("spec", "policy", "funding"),
            wrong=FUNDING_SIZES_A_PART.wrong,
            right=FUNDING_SIZES_A_PART.right,
        )
