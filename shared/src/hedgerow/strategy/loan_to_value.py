"""The `policy.loanToValue` block: a ladder over a loan's LTV, and how much each of its states hedges."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from hedgerow.strategy.fields import (
    Asset,
    DecimalText,
    Duration,
    FractionText,
    Name,
    Part,
    PositiveDecimalText,
    PositiveFractionText,
)
from hedgerow.strategy.rules import Rule, on_block

MAX_HAIRCUTS = 16
ONE_TARGET = Rule(
    cel="has(self.hedgeFraction) != has(self.targetDelta)",
    wrong="a state has exactly one target",
    right="write hedgeFraction, or targetDelta",
)


class DebtRef(Part):
    """Where the loan is told."""

    exposure_name: Name = Field(
        description="The source in spec.exposure whose loans are the debt, e.g. loans. What the others hold is what "
        "covers it."
    )


class AssetHaircut(Part):
    """How much of an asset counts."""

    asset: Asset = Field(description="The asset, e.g. BTC. Each once.")
    haircut: PositiveFractionText = Field(
        description="The share of its value that counts as collateral, above 0 and up to 1: a decimal string, quoted, "
        'e.g. "0.95".'
    )


class LtvTargetSpec(Part):
    """What a state asks for: a fraction of the exposure hedged, or a net delta."""

    model_config = ConfigDict(json_schema_extra=on_block(ONE_TARGET))

    hedge_fraction: FractionText | None = Field(
        default=None,
        description="The fraction of the exposure to hedge, from 0 to 1: a decimal string, quoted, e.g. "
        '"0.3". Never below that of a lower state.',
    )
    target_delta: DecimalText | None = Field(
        default=None,
        description="The net delta wanted instead, in units of the one underlying that is hedged: a decimal string, "
        'quoted, e.g. "0.02".',
    )


class LtvStepSpec(LtvTargetSpec):
    """A state of the ladder: from which LTV on, and what it asks for."""

    ltv: PositiveFractionText = Field(
        description='The LTV at which it is entered, or above: a decimal string, quoted, e.g. "0.65".'
    )


_STEPS = ("caution", "danger", "critical")
_ARE_NUMBERS = " && ".join(f"isQuantity(self.{step}.ltv)" for step in _STEPS)


def _ltv(step: str) -> str:
    return f"quantity(self.{step}.ltv)"


def _not_below(lower: str, higher: str) -> str:
    """CEL: the fraction of the higher state, where both have one, is not below that of the lower."""
    one, other = f"self.{lower}", f"self.{higher}"
    has = [f"!has({state}.hedgeFraction)" for state in (one, other)]
    has += [f"!isQuantity({state}.hedgeFraction)" for state in (one, other)]
    compared = f"!quantity({other}.hedgeFraction).isLessThan(quantity({one}.hedgeFraction))"
    if lower == "normal":
        has.insert(0, "!has(self.normal)")
    return f"({' || '.join([*has, compared])})"


STEPS_RISE = Rule(
    cel=f"!({_ARE_NUMBERS}) || ({_ltv('caution')}.isLessThan({_ltv('danger')}) && "
    f"{_ltv('danger')}.isLessThan({_ltv('critical')}))",
    wrong="the LTV of caution, danger and critical must rise",
    right="write the lowest as caution and the highest as critical",
    shown="'caution ' + self.caution.ltv + ', danger ' + self.danger.ltv + ' and critical ' + self.critical.ltv + "
    "' do not rise'",
)
FRACTIONS_RISE = Rule(
    cel=" && ".join(
        _not_below(lower, higher)
        for number, lower in enumerate(("normal", *_STEPS))
        for higher in _STEPS[number:]
    ),
    wrong="a state hedges less than a lower one",
    right="let hedgeFraction never fall while the LTV rises",
)
HYSTERESIS_FITS = Rule(
    cel=f"!({_ARE_NUMBERS} && isQuantity(self.hysteresis)) || "
    f"(quantity(self.hysteresis).isLessThan({_ltv('caution')}) && "
    f"quantity(self.hysteresis).isLessThan({_ltv('danger')}.sub({_ltv('caution')})) && "
    f"quantity(self.hysteresis).isLessThan({_ltv('critical')}.sub({_ltv('danger')})))",
    wrong="the hysteresis is as wide as a step, so a state would be left below the one under it",
    right='write it smaller than caution and than the steps between the states, e.g. "0.005"',
    at=".hysteresis",
)
LIQUIDATION_LAST = Rule(
    cel="!has(self.liquidationLtv) || !isQuantity(self.liquidationLtv) || !isQuantity(self.critical.ltv) || "
    f"{_ltv('critical')}.isLessThan(quantity(self.liquidationLtv))",
    wrong="the lender would sell before the last state is entered",
    right="write critical.ltv below liquidationLtv",
    at=".liquidationLtv",
)
_BY_ASSET: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["asset"]}


class LoanToValueSpec(Part):
    """A loan's LTV, (debt + interest) / sum(collateral x haircut), and how much is hedged as it climbs."""

    model_config = ConfigDict(
        json_schema_extra=on_block(STEPS_RISE, FRACTIONS_RISE, HYSTERESIS_FITS, LIQUIDATION_LAST)
    )

    debt: DebtRef = Field(description="What is owed.")
    haircuts: Annotated[
        tuple[AssetHaircut, ...],
        Field(min_length=1, max_length=MAX_HAIRCUTS, json_schema_extra=_BY_ASSET),
    ] = Field(description="The assets that count as collateral; one without a haircut does not count.")
    normal: LtvTargetSpec | None = Field(
        default=None, description="Below caution. Left out: nothing is hedged there."
    )
    caution: LtvStepSpec = Field(description='The first state, e.g. from "0.65".')
    danger: LtvStepSpec = Field(
        description='The second, e.g. from "0.80"; from here on orders cross at once.'
    )
    critical: LtvStepSpec = Field(
        description='The last, e.g. from "0.90"; it is also that of a debt which nothing covers.'
    )
    hysteresis: FractionText = Field(
        default="0.005",
        description="How far below a state's LTV the LTV must fall before the state is left: a decimal string, quoted.",
    )
    min_dwell: Duration = Field(
        default="30s",
        description="The shortest stay in a state before it is left downwards, e.g. 30s. Up, there is no waiting.",
    )
    no_trade_notional: PositiveDecimalText | None = Field(
        default=None,
        description="A hedge that lacks no more than this is left as it is, in the strategy's currency: a decimal "
        'string, quoted, e.g. "5000". Without it every lot counts.',
    )
    liquidation_ltv: PositiveFractionText | None = Field(
        default=None,
        description="The LTV at which the lender sells the collateral, above critical.ltv: it tells the liquidation "
        'price. A decimal string, quoted, e.g. "0.95".',
    )

    @property
    def steps(self) -> tuple[tuple[str, LtvStepSpec], ...]:
        """By name, lowest first."""
        return (("caution", self.caution), ("danger", self.danger), ("critical", self.critical))

    @property
    def targets(self) -> tuple[tuple[str, LtvTargetSpec], ...]:
        """By name, lowest first, `normal` where it is declared."""
        lowest = () if self.normal is None else (("normal", self.normal),)
        return (*lowest, *self.steps)
