"""The `HedgeStrategy` resource: which exposure to hedge by which policy, by trading what, within which limits."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from hedgerow.domain.accounts import AccountPart
from hedgerow.strategy.compiled import Mode, OnStale, Style
from hedgerow.strategy.fields import (
    MAX_ITEMS,
    Duration,
    Flag,
    Name,
    Part,
    PositiveDecimalText,
    PositiveDuration,
    Symbol,
    in_words,
    list_by,
)
from hedgerow.strategy.policies import Policy
from hedgerow.strategy.resource import Resource
from hedgerow.strategy.rules import Rule, on_block, unique

_List = Field(min_length=1, max_length=MAX_ITEMS)


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
    on_stale: OnStale = Field(
        default=OnStale.HOLD,
        description="Hold: send nothing while an input is missing, stale or invalid. ReduceOnly: the same, but while "
        "nothing else is wrong than that a book or an account of the exposure is stale, orders that bring the hedge "
        "nearer to zero are sent, as the last known exposure asks for them. A stale quote or score always holds.",
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
        "through a Venue whose environment is Paper. Live: trades on a real venue, through a Venue whose environment "
        "is Testnet or Mainnet and whose trading is Enabled; on Mainnet limits.maxDailyTurnover, maxDailyLoss and "
        "minLiquidationDistance must be there.",
    )
    suspend: Flag = Field(default=False, description="True: watch and measure, decide nothing.")
    currency: Literal["USD"] = Field(
        default="USD", description="Currency of every notional of this strategy."
    )
    exposure: Annotated[tuple[ExposureSource, ...], list_by("name"), _EACH_BOOK_ONCE] = Field(
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
