"""The `HedgeStrategy` resource: which exposure to hedge by which policy, by trading what, within which limits."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from hedgerow.domain.accounts import AccountPart
from hedgerow.strategy.compiled import BandUnit, Mode, Style, UnknownEntry
from hedgerow.strategy.fields import (
    Asset,
    DecimalText,
    Duration,
    Flag,
    FractionText,
    Name,
    Part,
    PositiveDecimalText,
    PositiveDuration,
    PositiveFractionText,
    Symbol,
    in_words,
)
from hedgerow.strategy.loan_to_value import LoanToValueSpec
from hedgerow.strategy.resource import Resource
from hedgerow.strategy.rules import Rule, on_block, unique

MAX_ITEMS = 16
_List = Field(min_length=1, max_length=MAX_ITEMS)


def _list_by(key: str) -> Any:
    """A list whose items are told apart by one of their fields: no two have the same."""
    extra: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}
    return Field(min_length=1, max_length=MAX_ITEMS, json_schema_extra=extra)


class NamedRef(Part):
    """Another object, by name."""

    name: Name = Field(description="Its name, in the strategy's own namespace, e.g. paper.")


_BOOK_OR_ACCOUNT = "write book or account, and give the other a source of its own"
_EACH_PART_ONCE = Rule(
    cel="self.all(a, self.exists_one(b, a == b))",
    wrong="a part stands here twice",
    right="count each part once",
)


class BookRef(Part):
    """A client book."""

    name: Name = Field(description="Name under which the book's positions are delivered, e.g. clients.")


class AccountRef(Part):
    """A venue account, as its collector sees it."""

    venue_ref: NamedRef = Field(description="The Venue whose account counts.")
    count: Annotated[
        tuple[AccountPart, ...], Field(min_length=1, max_length=len(AccountPart)), _EACH_PART_ONCE
    ] = Field(
        description="What of the account counts, each once. Collateral: what is pledged for loans. Spot: coins and "
        "shares in the wallet. Derivatives: open contracts. Loans: what is owed, as a short position. What "
        "strategies hedge with on this Venue is left out of Spot and Derivatives: it is counted as their hedge."
    )


class ExposureSource(Part):
    """One source of exposure; all are summed, so each position must be counted once."""

    model_config = ConfigDict(
        json_schema_extra=on_block(
            Rule(
                cel="has(self.book) != has(self.account)",
                wrong="a source is one book or one account",
                right=_BOOK_OR_ACCOUNT,
            )
        )
    )

    name: Name = Field(
        description="What this source is called in this strategy, e.g. clients. Each name once."
    )
    book: BookRef | None = Field(default=None, description="The client book whose positions count.")
    account: AccountRef | None = Field(default=None, description="The venue account that counts.")

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if (self.book is None) is (self.account is None):
            there = "neither is here" if self.book is None else "both are here"
            raise in_words(f"a source is one book or one account; {there}", _BOOK_OR_ACCOUNT)
        return self


class HedgeLeg(Part):
    """One instrument that the hedge may be traded in.

    The ledger names a leg by its position in `hedgeWith`, so a changed order of legs counts as a change of
    `hedgeWith`: it is refused while a position is open.
    """

    venue_ref: NamedRef = Field(description="The Venue to trade on.")
    instrument: Symbol = Field(
        description="Unified symbol of what to trade, e.g. BTC/USDT:USDT for a perpetual. A venue account's "
        "instrument belongs to one strategy."
    )
    priority: Annotated[int, Field(strict=True, ge=1, le=100)] = Field(
        description="Of the legs with one underlying, the one with the lowest number is traded; the next ones when "
        "style Escalation comes to them. 1 to 100, each number once."
    )


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
    band: Annotated[tuple[BandRule, ...], _list_by("underlying")] | None = Field(
        default=None, description="With type Band: one band for each underlying that is hedged."
    )
    sentiment_curve: Annotated[tuple[SentimentCurveRule, ...], _list_by("underlying")] | None = Field(
        default=None, description="With type SentimentCurve: one curve for each underlying that is hedged."
    )

    inventory_risk: Annotated[tuple[InventoryRiskRule, ...], _list_by("underlying")] | None = Field(
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


class FreshnessSpec(Part):
    """How old an input may be before the strategy stops relying on it."""

    quote: PositiveDuration = Field(description="Oldest usable quote, e.g. 3s. Units are ms, s, m and h.")
    book: PositiveDuration = Field(description="Oldest usable client book, e.g. 5s.")
    score: PositiveDuration | None = Field(
        default=None,
        description="Oldest usable sentiment score, by its source's own time, e.g. 3s; with policy SentimentCurve, and "
        "with no other.",
    )
    account: PositiveDuration = Field(
        default="15s",
        description="Oldest usable state of a venue account, e.g. 15s; of strategies whose exposure has one.",
    )
    on_stale: Literal["Hold"] = Field(
        default="Hold", description="Hold: send nothing while an input is missing, stale or invalid."
    )


_STYLE_HAS_ITS_BLOCK = Rule(
    cel="(self.style == 'Twap') == has(self.twap) && (self.style == 'Escalation') == has(self.escalation)",
    wrong="exactly the block that `style` names belongs here",
    right="write execution.twap with style Twap, execution.escalation with style Escalation, and none with Clips",
)


class TwapSpec(Part):
    """A hedge in equal shares over time."""

    duration: PositiveDuration = Field(
        description="From the first slice until all are due, e.g. 10m. What is missed is caught up with the next."
    )
    slices: Annotated[int, Field(strict=True, ge=2, le=1000)] = Field(
        description="How many, one each duration / slices: 2 to 1000, e.g. 20."
    )


class EscalationSpec(Part):
    """How long each rung may take for an order that does not fill: passive, aggressive, next instrument, alert."""

    passive_for: PositiveDuration = Field(
        description="How long a post-only order waits at the touch before it is cancelled, e.g. 10s."
    )
    inside_ticks: Annotated[int, Field(strict=True, ge=0, le=1000)] = Field(
        default=0,
        description="How many ticks inside the touch a passive order waits: 0 to 1000; 0 is at the touch.",
    )
    reprice_ticks: Annotated[int, Field(strict=True, ge=1, le=10000)] = Field(
        default=5,
        description="How many ticks the touch may leave a passive order behind before it is cancelled and placed anew: "
        "1 to 10000, e.g. 5.",
    )
    aggressive_for: PositiveDuration = Field(
        description="How long crossing orders within `maxSlippageBps` are tried on the first leg, e.g. 10s."
    )
    second_instrument_for: PositiveDuration = Field(
        default="10s",
        description="How long they are tried on each next leg of the same underlying, by priority, e.g. 10s.",
    )
    retry_after: PositiveDuration = Field(
        default="60s",
        description="After the last rung the state is Unfilled, which alerts; then the legs are tried again, e.g. 60s.",
    )


class ExecutionSpec(Part):
    """How a hedge is sent."""

    model_config = ConfigDict(json_schema_extra=on_block(_STYLE_HAS_ITS_BLOCK))

    style: Style = Field(
        default=Style.CLIPS,
        description="Clips: one order of at most `clipNotional` after the other. Twap: in equal shares over time. "
        "Escalation: a passive order first, then ever more urgent ones.",
    )
    twap: TwapSpec | None = Field(default=None, description="Of style Twap.")
    escalation: EscalationSpec | None = Field(default=None, description="Of style Escalation.")
    legs: Literal["Independent", "Together"] = Field(
        default="Independent",
        description="Together: the orders of one decision go together; when one is below the venue's minimum or beyond "
        "a limit, none goes.",
    )
    clip_notional: PositiveDecimalText = Field(
        description="Largest value of one order, in the strategy's currency; at most limits.maxOrderNotional. A "
        'decimal string, quoted, e.g. "25000".'
    )
    time_in_force: Literal["IOC"] = Field(
        default="IOC",
        description="Of orders that cross. IOC: what does not fill at once is cancelled.",
    )
    max_slippage_bps: Annotated[int, Field(strict=True, ge=0, le=1000)] = Field(
        description="How far beyond the touch an order may fill, in basis points: 0 to 1000 and at most "
        "limits.priceCollarBps, e.g. 10."
    )
    cooldown: Duration = Field(
        default="2s",
        description="Shortest time from one order to the next on the legs of one underlying, e.g. 500ms.",
    )
    unknown_deadline: PositiveDuration = Field(
        default="60s",
        description="How long an order's fate may stay unknown before a person is called, e.g. 60s.",
    )


_DISTANCE_IS_A_RATIO = Rule(
    cel="!has(self.minLiquidationDistance) || !isQuantity(self.minLiquidationDistance) || "
    "quantity(self.minLiquidationDistance).isLessThan(quantity('1'))",
    wrong="it is a ratio of the price, so nothing could be 1 or more away below it",
    right='write it below 1, e.g. "0.25"',
    at=".minLiquidationDistance",
)


class LimitsSpec(Part):
    """Ceilings that are checked for every order before it is sent. Notionals in the strategy's currency; USDT and USDC
    count as USD, one to one."""

    model_config = ConfigDict(json_schema_extra=on_block(_DISTANCE_IS_A_RATIO))

    max_order_notional: PositiveDecimalText = Field(
        description='Largest value of one order: a decimal string, quoted, e.g. "50000".'
    )
    max_position_notional: PositiveDecimalText = Field(
        description='Largest value of one leg\'s position: a decimal string, quoted, e.g. "1000000".'
    )
    max_orders_per_minute: Annotated[int, Field(strict=True, ge=1, le=6000)] = Field(
        description="How many orders may be sent within any minute: 1 to 6000, e.g. 120."
    )
    price_collar_bps: Annotated[int, Field(strict=True, ge=1, le=5000)] = Field(
        description="How far an order's price may be from the venue's own mid, in basis points: 1 to 5000, e.g. 100. "
        "Half the spread counts besides the slippage."
    )
    max_daily_turnover: PositiveDecimalText | None = Field(
        default=None,
        description="Largest value of what is filled within one day of UTC; beyond it only what reduces the position "
        'is sent. A decimal string, quoted, e.g. "3000000". Left out: no limit.',
    )
    max_daily_loss: PositiveDecimalText | None = Field(
        default=None,
        description="Largest loss of the hedge within one day of UTC, open positions at the venue's mid; beyond it "
        'only what reduces the position is sent. A decimal string, quoted, e.g. "25000". Left out: no limit.',
    )
    min_liquidation_distance: PositiveDecimalText | None = Field(
        default=None,
        description="Smallest distance of the price at which the venue would liquidate the hedge, as a ratio of its "
        'mid and below 1; nearer, only what reduces the position is sent. A decimal string, quoted, e.g. "0.25". '
        "Left out: no limit.",
    )
    max_repeated_orders: Annotated[int, Field(strict=True, ge=1, le=6000)] | None = Field(
        default=None,
        description="How many orders in a row may go the same way in one instrument within any minute: 1 to 6000, e.g. "
        "60. What reduces the position is let through. Left out: only maxOrdersPerMinute limits them.",
    )


_CLIP_WITHIN_LIMIT = Rule(
    cel="!isQuantity(self.execution.clipNotional) || !isQuantity(self.limits.maxOrderNotional) || "
    "!quantity(self.execution.clipNotional).isGreaterThan(quantity(self.limits.maxOrderNotional))",
    wrong="it is above spec.limits.maxOrderNotional, so every full clip would be refused",
    right="lower the clip or raise the limit",
    shown="self.execution.clipNotional + ' is above spec.limits.maxOrderNotional, ' + self.limits.maxOrderNotional + "
    "', so every full clip would be refused'",
    at=".execution.clipNotional",
)
_SLIPPAGE_WITHIN_COLLAR = Rule(
    cel="self.execution.maxSlippageBps <= self.limits.priceCollarBps",
    wrong="it is above spec.limits.priceCollarBps, so every order would be refused",
    right="allow less slippage or widen the collar",
    at=".execution.maxSlippageBps",
)
_SCORE_AGE_WITH_CURVE = Rule(
    cel="(self.policy.type == 'SentimentCurve') == has(self.freshness.score)",
    wrong="policy SentimentCurve must know how old a score may be, and no other policy reads scores",
    right="write freshness.score, e.g. 3s, with policy SentimentCurve and with no other",
    at=".freshness.score",
)
_DEBT_IS_A_SOURCE = Rule(
    cel="!has(self.policy.loanToValue) || "
    "self.exposure.exists(source, source.name == self.policy.loanToValue.debt.exposureName)",
    wrong="no source in spec.exposure has this name",
    right="name the source that tells the loans",
    at=".policy.loanToValue.debt.exposureName",
)
_EACH_BOOK_ONCE = unique(
    "(has(item.book) ? 'book ' + item.book.name : "
    "has(item.account) ? 'account ' + item.account.venueRef.name : item.name)",
    "a book or an account stands here twice",
    "count each book once, and each account",
)
_EACH_LEG_ONCE = unique(
    "item.venueRef.name + ' ' + item.instrument",
    "an instrument stands here twice on one Venue",
    "name each Venue's instrument once",
)
_EACH_PRIORITY_ONCE = unique(
    "item.priority", "a priority stands here twice", "give each leg a priority of its own"
)


class HedgeStrategySpec(Part):
    """What to hedge, with what, when and within which limits."""

    model_config = ConfigDict(
        json_schema_extra=on_block(
            _CLIP_WITHIN_LIMIT, _SLIPPAGE_WITHIN_COLLAR, _SCORE_AGE_WITH_CURVE, _DEBT_IS_A_SOURCE
        )
    )

    mode: Mode = Field(
        default=Mode.SHADOW,
        description="Shadow: decides and fills virtually, sends nothing. Paper: trades on the built-in exchange, "
        "through a Venue whose environment is Paper.",
    )
    suspend: Flag = Field(default=False, description="True: watch and measure, decide nothing.")
    currency: Literal["USD"] = Field(
        default="USD", description="Currency of every notional of this strategy."
    )
    exposure: Annotated[tuple[ExposureSource, ...], _list_by("name"), _EACH_BOOK_ONCE] = Field(
        description="What is hedged; summed."
    )
    hedge_with: Annotated[tuple[HedgeLeg, ...], _List, _EACH_LEG_ONCE, _EACH_PRIORITY_ONCE] = Field(
        description="What the hedge is traded in."
    )
    policy: Policy = Field(description="When and how much to hedge.")
    freshness: FreshnessSpec = Field(description="How old an input may be.")
    execution: ExecutionSpec = Field(description="How a hedge is sent.")
    limits: LimitsSpec = Field(description="Ceilings for every order.")
    deletion_policy: Literal["Retain", "Flatten"] = Field(
        default="Retain",
        description="What becomes of the hedge when the strategy is deleted on a cluster. Retain: it is kept as it is. "
        "Flatten: it is traded back to zero first.",
    )


class HedgeStrategy(Resource):
    """A hedge that someone wants: Hedgerow keeps the exposure inside it."""

    kind: Literal["HedgeStrategy"] = Field(description="HedgeStrategy.")
    spec: HedgeStrategySpec = Field(description="What to hedge, with what, when and within which limits.")
