"""The `policy` block: when and how much to hedge. The LTV ladder has a file of its own."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from hedgerow.strategy.compiled import BandUnit, UnknownEntry
from hedgerow.strategy.fields import (
    MAX_ITEMS,
    Asset,
    DecimalText,
    Flag,
    FractionText,
    Part,
    PositiveDecimalText,
    PositiveDuration,
    PositiveFractionText,
    in_words,
    list_by,
)
from hedgerow.strategy.loan_to_value import LoanToValueSpec
from hedgerow.strategy.rules import Rule, on_block


class BandRule(Part):
    """Where the net delta of one underlying may be. Outside, it is traded back."""

    model_config = ConfigDict(
        json_schema_extra=on_block(
            Rule(
                cel="!isQuantity(self.lower) || !isQuantity(self.upper) || "
                "quantity(self.lower).isLessThan(quantity(self.upper))",
                wrong="lower is not below upper",
                right="write the smaller edge as lower",
                shown="self.lower + ' is not below upper, ' + self.upper",
                at=".lower",
            )
        )
    )

    underlying: Asset = Field(description="The asset whose net delta is held, e.g. BTC. Each once.")
    lower: DecimalText = Field(
        description='Lower edge, in `unit`; negative is short. A decimal string, quoted, e.g. "-25000".'
    )
    upper: DecimalText = Field(
        description='Upper edge, in `unit`; above `lower`. A decimal string, quoted, e.g. "25000".'
    )
    unit: BandUnit = Field(
        default=BandUnit.NOTIONAL,
        description="Notional: the edges are in the strategy's currency. Underlying: in units of the underlying.",
    )
    return_to: Literal["Edge"] = Field(
        default="Edge", description="Edge: trade back to the edge that was crossed, and no further."
    )


class CurveKnot(Part):
    """A point of a curve."""

    score: FractionText = Field(
        description='A sentiment score, from 0 to 1: a decimal string, quoted, e.g. "0.3". Each above the one before.'
    )
    hedge_fraction: FractionText = Field(
        description='The fraction of the exposure to hedge at that score: a decimal string, quoted, e.g. "0.25". Never '
        "below the one before."
    )


_KNOTS_RISE = Rule(
    cel="!self.all(knot, isQuantity(knot.score) && isQuantity(knot.hedgeFraction)) || "
    "(self.map(knot, quantity(knot.score).asApproximateFloat()).isSorted() && "
    "self.map(knot, quantity(knot.hedgeFraction).asApproximateFloat()).isSorted() && "
    "self.all(a, self.exists_one(b, quantity(a.score).compareTo(quantity(b.score)) == 0)))",
    wrong="scores must rise from knot to knot, and hedge fractions must not fall",
    right="order the knots by score, each score once, and let no hedgeFraction be below the one before",
)
_KNOTS_SPAN = Rule(
    cel="self[0].score.matches('^0([.]0+)?$') && self[self.size() - 1].score.matches('^1([.]0+)?$')",
    wrong="the curve does not reach from score 0 to score 1",
    right='begin with score "0" and end with score "1"',
)


class SentimentCurveRule(Part):
    """How much of one underlying's exposure is hedged: a monotone curve over its sentiment score."""

    underlying: Asset = Field(description="The asset whose exposure is hedged, e.g. BTC. Each once.")
    knots: Annotated[
        tuple[CurveKnot, ...], Field(min_length=2, max_length=MAX_ITEMS), _KNOTS_RISE, _KNOTS_SPAN
    ] = Field(
        description="The curve's points, from score 0 to score 1. Between them it rises monotonically and never "
        "overshoots (PCHIP)."
    )
    max_hedge_fraction: PositiveFractionText = Field(
        default="1",
        description='The largest fraction that is ever hedged, and the one at score 1, e.g. "0.8".',
    )
    no_trade_notional: PositiveDecimalText | None = Field(
        default=None,
        description="A hedge that lacks no more than this is left as it is, in the strategy's currency: a decimal "
        'string, quoted, e.g. "5000". Without it every lot counts.',
    )


class ReevaluationSpec(Part):
    """How long an action stands before a lower one may follow; a higher one always follows at once."""

    reduce: PositiveDuration = Field(default="15m", description="Of Reduce, e.g. 15m.")
    partial: PositiveDuration = Field(default="5m", description="Of Partial, e.g. 5m.")
    full: PositiveDuration = Field(default="1m", description="Of Full, e.g. 1m.")
    liquidate: PositiveDuration = Field(default="30s", description="Of Liquidate, e.g. 30s.")


_HYSTERESIS_WITHIN_STEP = Rule(
    cel="!isQuantity(self.hysteresis) || quantity(self.hysteresis).isLessThan(quantity('15'))",
    wrong="actions are 15 points of score apart, so an action could never be lowered to the next",
    right='write hysteresis below 15, e.g. "3"',
    at=".hysteresis",
)


class InventoryRiskRule(Part):
    """How much of one underlying's inventory is hedged: by a risk score of loss (35 points), age (20), volatility (25)
    and liquidity (20). From 40 on Reduce hedges 25 %, from 55 Partial 50 %, from 70 Full and from 85 Liquidate all."""

    model_config = ConfigDict(json_schema_extra=on_block(_HYSTERESIS_WITHIN_STEP))

    underlying: Asset = Field(description="The asset whose inventory is hedged, e.g. BTC. Each once.")
    max_loss: PositiveFractionText = Field(
        description="The unrealised loss, as a fraction of what was paid, at which its 35 points are full: a decimal "
        'string, quoted, e.g. "0.05".'
    )
    max_age: PositiveDuration = Field(
        description="The age of the oldest position at which its 20 points are full, e.g. 8h."
    )
    max_volatility: PositiveDecimalText = Field(
        description="The annualised volatility of the mark at which its 25 points are full; 1 is 100 %. A decimal "
        'string, quoted, e.g. "1.2".'
    )
    max_depth_share: PositiveDecimalText = Field(
        description="The inventory's value over what rests near the mid at which its 20 points are full: a decimal "
        'string, quoted, e.g. "0.5".'
    )
    volatility_bar: PositiveDuration = Field(
        default="1m",
        description="How long a bar of the volatility is, e.g. 1m; ten must have passed before it counts.",
    )
    volatility_half_life: PositiveDuration = Field(
        default="30m",
        description="After how long a bar counts half in the volatility (EWMA), e.g. 30m; not below volatilityBar.",
    )
    hysteresis: PositiveDecimalText = Field(
        default="3",
        description="How many points the score must be below an action's threshold before the action is lowered, "
        'below 15: a decimal string, quoted, e.g. "3".',
    )
    reevaluate_after: ReevaluationSpec = Field(
        default=ReevaluationSpec(),
        description="How long each action stands before a lower one may follow.",
    )
    max_cost_bps: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        default=50,
        description="With Reduce and Partial nothing is sent that would cost more than this beside the mid, in basis "
        "points: 1 to 1000. Full and Liquidate are sent at any cost.",
    )
    no_trade_notional: PositiveDecimalText | None = Field(
        default=None,
        description="With Reduce and Partial a hedge that lacks no more than this is left as it is, in the strategy's "
        'currency: a decimal string, quoted, e.g. "5000". Without it every lot counts.',
    )
    on_unknown_entry: UnknownEntry = Field(
        default=UnknownEntry.HOLD,
        description="While it is not known what a position was entered at. Hold: send nothing. Reduce: at least "
        "Reduce, and no action is lowered.",
    )


_BLOCK_OF_TYPE = (
    "write policy.band with type Band, policy.sentimentCurve with type SentimentCurve, policy.inventoryRisk with type "
    "InventoryRisk, policy.loanToValue with type LoanToValue, and no other block"
)


class FundingSpec(Part):
    """How the funding of a perpetual counts."""

    aware: Flag = Field(
        description="True: a hedge that pays funding is made smaller by what it costs; one that earns it never, nor "
        "one in the state Critical."
    )
    max_daily_cost_bps: Annotated[int, Field(strict=True, ge=0, le=10000)] | None = Field(
        default=None,
        description="Most that the hedge may pay in 24 hours, in basis points of the exposure's notional: 0 to 10000, "
        "e.g. 15. Left out: only the regime of the rate makes it smaller.",
    )
    max_age: PositiveDuration = Field(
        default="10m",
        description="Oldest usable funding rate, e.g. 10m; past it the hedge is as if there were no funding, and "
        "`hedgerow explain` says so.",
    )


# The policies that hedge a part of the exposure, which funding can make smaller.
FUNDED = ("SentimentCurve", "LoanToValue")
FUNDING_SIZES_A_PART = Rule(
    cel="!has(self.funding) || self.type in ['SentimentCurve', 'LoanToValue']",
    wrong="only policies that hedge a part of the exposure count funding",
    right="write policy.funding with type SentimentCurve or LoanToValue",
    at=".funding",
)


class Policy(Part):
    """What decides when and how much to hedge."""

    model_config = ConfigDict(
        json_schema_extra=on_block(
            Rule(
                cel="(self.type == 'Band') == has(self.band) && "
                "(self.type == 'SentimentCurve') == has(self.sentimentCurve) && "
                "(self.type == 'InventoryRisk') == has(self.inventoryRisk) && "
                "(self.type == 'LoanToValue') == has(self.loanToValue)",
                wrong="exactly the block that `type` names belongs here",
                right=_BLOCK_OF_TYPE,
            ),
            FUNDING_SIZES_A_PART,
        )
    )

    type: Literal["Band", "SentimentCurve", "InventoryRisk", "LoanToValue"] = Field(
        description="Names the policy, and with it the block that belongs beside it. Band: hold each underlying's net "
        "delta within a band. SentimentCurve: hedge a fraction of each underlying's exposure by its sentiment score "
        "and by what the market can take. InventoryRisk: hedge the more of each underlying's inventory the riskier it "
        "is to hold, by loss, age, volatility and liquidity. LoanToValue: hedge a fraction of the exposure of every "
        "leg's underlying by a loan's LTV."
    )
    band: Annotated[tuple[BandRule, ...], list_by("underlying")] | None = Field(
        default=None, description="With type Band: one band for each underlying that is hedged."
    )
    sentiment_curve: Annotated[tuple[SentimentCurveRule, ...], list_by("underlying")] | None = Field(
        default=None, description="With type SentimentCurve: one curve for each underlying that is hedged."
    )

    inventory_risk: Annotated[tuple[InventoryRiskRule, ...], list_by("underlying")] | None = Field(
        default=None, description="With type InventoryRisk: one rule for each underlying that is hedged."
    )
    loan_to_value: LoanToValueSpec | None = Field(
        default=None, description="With type LoanToValue: the ladder, one for all underlyings of the legs."
    )
    funding: FundingSpec | None = Field(default=None, description="Whether what funding costs counts.")

    @property
    def bands(self) -> tuple[BandRule, ...]:
        return self.band or ()

    @property
    def sentiment_curves(self) -> tuple[SentimentCurveRule, ...]:
        return self.sentiment_curve or ()

    @property
    def inventory_risks(self) -> tuple[InventoryRiskRule, ...]:
        return self.inventory_risk or ()

    @property
    def underlyings(self) -> tuple[str, ...]:
        """Of every rule that names one, as written."""
        rules: tuple[BandRule | SentimentCurveRule | InventoryRiskRule, ...] = (
            *self.bands,
            *self.sentiment_curves,
            *self.inventory_risks,
        )
        return tuple(rule.underlying for rule in rules)

    @model_validator(mode="after")
    def _has_its_block(self) -> Self:
        blocks = {
            "Band": self.band,
            "SentimentCurve": self.sentiment_curve,
            "InventoryRisk": self.inventory_risk,
            "LoanToValue": self.loan_to_value,
        }
        given = [name for name, block in blocks.items() if block is not None]
        if given != [self.type]:
            there = f"those of {' and '.join(given)} are here" if given else "none is here"
            raise in_words(f"type {self.type} needs its own block and no other; {there}", _BLOCK_OF_TYPE)
        return self
