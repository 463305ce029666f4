"""What a `HedgeStrategy` becomes once it is checked: the config that the streams run on."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.accounts import AccountPart
from hedgerow.domain.instruments import Instrument
from hedgerow.domain.orders import TimeInForce
from hedgerow.domain.price_sources import venue_prices


class Mode(StrEnum):
    """What becomes of an order: filled virtually, traded on the built-in exchange, traded on a real venue."""

    SHADOW = "Shadow"
    PAPER = "Paper"
    LIVE = "Live"


# In which environment of a Venue each mode may trade. Shadow sends nothing, so it may watch any.
ENVIRONMENTS: Mapping[Mode, tuple[str, ...]] = {
    Mode.SHADOW: ("Paper", "Testnet", "Mainnet"),
    Mode.PAPER: ("Paper",),
    Mode.LIVE: ("Testnet", "Mainnet"),
}


class BandUnit(StrEnum):
    """What a band's edges are measured in: units of the underlying, or the strategy's currency."""

    UNDERLYING = "Underlying"
    NOTIONAL = "Notional"


class BookSource(msgspec.Struct, frozen=True, kw_only=True):
    """A client book that counts towards the exposure."""

    name: str
    book: str


class AccountSource(msgspec.Struct, frozen=True, kw_only=True):
    """What of a venue account counts towards the exposure. `venue`: its key, `namespace/name`."""

    name: str
    venue: str
    account: str
    count: tuple[AccountPart, ...]


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """Where a hedge may be laid off. `index` names the leg in the ledger and never changes meaning."""

    index: int
    venue: str
    account: str
    instrument: Instrument


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Where the net delta of one underlying may be: `lower` <= delta <= `upper`, in `unit`."""

    underlying: str
    lower: Decimal
    upper: Decimal
    unit: BandUnit


class Knot(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a curve: at this score, this fraction of the exposure is hedged."""

    score: Decimal
    hedge_fraction: Decimal


class SentimentCurve(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one underlying's exposure is hedged, by its sentiment score.

    `no_trade_notional`, in the strategy's currency: a hedge that lacks no more than this is left as it is.
    """

    underlying: str
    knots: tuple[Knot, ...]
    max_hedge_fraction: Decimal
    no_trade_notional: Decimal


class Haircut(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an asset's value counts as collateral, in (0, 1]."""

    asset: str
    haircut: Decimal


class LtvTarget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a state of the ladder asks for; one of the two.

    Attributes:
        hedge_fraction: of the exposure, hedged; target_delta: the net delta wanted, in units of the underlying.
    """

    hedge_fraction: Decimal | None = None
    target_delta: Decimal | None = None


class LtvStep(msgspec.Struct, frozen=True, kw_only=True):
    """A state of the ladder, entered at this LTV or above."""

    ltv: Decimal
    target: LtvTarget


class LoanToValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ladder: how much of the exposure is hedged by the loan's LTV.

    Attributes:
        debt: the name of the source in `exposure` that tells the loans.
        haircuts: by asset; what has none is no collateral.
        normal: below every step.
        hysteresis: how far below a step's LTV it is left; min_dwell_ns: the shortest stay before that.
        no_trade_notional: in the strategy's currency; a hedge that lacks no more than this is left as it is.
        liquidation_ltv: at which the lender sells the collateral; None when it was not declared.
    """

    debt: str
    haircuts: tuple[Haircut, ...]
    normal: LtvTarget
    caution: LtvStep
    danger: LtvStep
    critical: LtvStep
    hysteresis: Decimal
    min_dwell_ns: int
    no_trade_notional: Decimal = Decimal(0)
    liquidation_ltv: Decimal | None = None


class LadderRule(msgspec.Struct, frozen=True, kw_only=True):
    """The ladder as it holds for one underlying."""

    underlying: str
    ladder: LoanToValue


class UnknownEntry(StrEnum):
    """What an inventory policy does while it is not known what a position was entered at."""

    HOLD = "Hold"
    REDUCE = "Reduce"


class Reevaluation(msgspec.Struct, frozen=True, kw_only=True):
    """How long an action of an inventory policy stands before a lower one may follow it."""

    reduce_ns: int
    partial_ns: int
    full_ns: int
    liquidate_ns: int


class InventoryRisk(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one underlying's inventory is hedged, by how risky it is to hold.

    Attributes:
        max_loss, max_age_ns, max_volatility, max_depth_share: where each part of the score is full: the unrealised loss
            as a fraction of what was paid, the age, the annualised volatility, the inventory over the depth.
        volatility_bar_ns, volatility_half_life_ns: of the moving average that estimates the volatility.
        hysteresis: points that the score must be below an action's threshold before the action is lowered.
        max_cost_bps: above it, Reduce and Partial send nothing.
        no_trade_notional: in the strategy's currency; with Reduce and Partial a hedge that lacks no more is left as it
            is.
    """

    underlying: str
    max_loss: Decimal
    max_age_ns: int
    max_volatility: Decimal
    max_depth_share: Decimal
    volatility_bar_ns: int
    volatility_half_life_ns: int
    hysteresis: Decimal
    max_cost_bps: Decimal
    no_trade_notional: Decimal
    on_unknown_entry: UnknownEntry
    reevaluation: Reevaluation


Rule = Band | SentimentCurve | InventoryRisk | LadderRule


class FundingAware(msgspec.Struct, frozen=True, kw_only=True):
    """How funding makes a hedge smaller.

    Attributes:
        max_daily_cost_bps: of the exposure's notional, that the hedge may pay in 24 hours; None is no limit.
        max_age_ns: an older rate is not known.
    """

    max_daily_cost_bps: Decimal | None
    max_age_ns: int


class OnStale(StrEnum):
    """What a strategy does while a source of its exposure is too old."""

    HOLD = "Hold"
    REDUCE_ONLY = "ReduceOnly"


class Freshness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How old an input may be before it is stale.

    `score_ns`: of a policy that reads scores; `account_ns`: of a strategy whose exposure has accounts.
    """

    quote_ns: int
    book_ns: int
    score_ns: int | None = None
    account_ns: int | None = None
    on_stale: OnStale = OnStale.HOLD


class Style(StrEnum):
    """How a hedge is worked: clip after clip, spread over time, or from a passive order to ever more urgent ones."""

    CLIPS = "Clips"
    TWAP = "Twap"
    ESCALATION = "Escalation"


class Twap(msgspec.Struct, frozen=True, kw_only=True):
    """Equal shares of what is to be hedged, one each `duration_ns / slices`."""

    duration_ns: int
    slices: int


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """How long each rung may take, and how a passive order is priced.

    Attributes:
        inside_ticks: how far inside the touch a passive order waits; 0 is at the touch.
        reprice_ticks: how far the touch may leave it behind before it is cancelled and placed anew.
        retry_ns: after the last rung, how long until the legs are tried again.
    """

    passive_ns: int
    inside_ticks: int
    reprice_ticks: int
    aggressive_ns: int
    second_instrument_ns: int
    retry_ns: int


class Execution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a hedge is sent. `clip_notional` in the strategy's currency.

    Attributes:
        twap, escalation: of the style that has one; with neither, the style is Clips.
        together: the orders of one decision go together or not at all.
    """

    clip_notional: Decimal
    time_in_force: TimeInForce
    max_slippage_bps: Decimal
    cooldown_ns: int
    unknown_deadline_ns: int
    twap: Twap | None = None
    escalation: Escalation | None = None
    together: bool = False

    @property
    def style(self) -> Style:
        if self.twap is not None:
            return Style.TWAP
        return Style.CLIPS if self.escalation is None else Style.ESCALATION


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Ceilings that the executor enforces at the claim; None is no limit. Notionals in the strategy's currency.

    `min_liquidation_distance`: of the venue's mid, a ratio.
    """

    max_order_notional: Decimal
    max_position_notional: Decimal
    max_orders_per_minute: int
    price_collar_bps: Decimal
    max_daily_turnover: Decimal | None = None
    max_daily_loss: Decimal | None = None
    min_liquidation_distance: Decimal | None = None
    max_repeated_orders: int | None = None


class CompiledStrategy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that routing, risk, hedging and the executor need to know of one strategy.

    `exposure`, `accounts`: what is hedged; summed. `bands`, `sentiment_curves`, `inventory_risks`, `loan_to_value`: of
    the policy that it has; the others are empty. `funding`: None where it does not count.
    `flatten`: it is being deleted, and its hedge is to become zero whatever the exposure is.
    `priced_by`: of mode Live, where every price must come from (`domain.price_sources`); empty takes any.
    """

    namespace: str
    name: str
    mode: Mode
    suspend: bool
    currency: str
    exposure: tuple[BookSource, ...]
    hedge_with: tuple[Leg, ...]
    bands: tuple[Band, ...] = ()
    freshness: Freshness
    execution: Execution
    limits: Limits
    flatten: bool = False
    sentiment_curves: tuple[SentimentCurve, ...] = ()
    accounts: tuple[AccountSource, ...] = ()
    inventory_risks: tuple[InventoryRisk, ...] = ()
    loan_to_value: LoanToValue | None = None
    funding: FundingAware | None = None
    priced_by: str = ""

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def underlyings(self) -> frozenset[str]:
        return frozenset(rule.underlying for rule in self.rules)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What the policy says, underlying by underlying."""
        return (*self.bands, *self.sentiment_curves, *self.inventory_risks, *self._ladder_rules)

    @property
    def priced(self) -> frozenset[str]:
        """The assets whose quotes it needs: those that it hedges, and those that its loan is covered by."""
        if self.loan_to_value is None:
            return self.underlyings
        return self.underlyings | {item.asset for item in self.loan_to_value.haircuts}

    @property
    def _ladder_rules(self) -> tuple[LadderRule, ...]:
        """One loan, one ladder: it holds for every underlying that has a leg."""
        if self.loan_to_value is None:
            return ()
        hedged = sorted({leg.instrument.underlying for leg in self.hedge_with})
        return tuple(LadderRule(underlying=name, ladder=self.loan_to_value) for name in hedged)

    def mark_symbol(self, underlying: str) -> str | None:
        """The instrument whose mid marks an underlying: its first leg. None without one."""
        legs = (leg.instrument for leg in self.hedge_with)
        return next((item.symbol for item in legs if item.underlying == underlying), None)

    @property
    def scored(self) -> frozenset[str]:
        """The assets whose sentiment score it needs."""
        return frozenset(curve.underlying for curve in self.sentiment_curves)

    def hedged_on(self, venue: str) -> frozenset[str]:
        """The instruments that it hedges with on this venue."""
        return frozenset(leg.instrument.symbol for leg in self.hedge_with if leg.venue == venue)


BUILTIN_DIALECT = "bybit"


class CompiledVenue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A venue account as the executor needs it. Limits in USD, dollar stablecoins counted at par.

    `exchange`: ccxt's id of whose dialect is spoken; the built-in exchange speaks Bybit's.
    """

    namespace: str
    name: str
    type: str
    environment: str
    trading_enabled: bool
    account: str
    max_gross_notional: Decimal
    orders_per_second: int
    max_daily_loss: Decimal | None = None
    exchange: str = BUILTIN_DIALECT

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def is_builtin(self) -> bool:
        """Whether it is the exchange that comes with Hedgerow."""
        return self.type == "Builtin"

    @property
    def prices(self) -> str:
        """Where its own prices come from, in the words of `domain.price_sources`."""
        return venue_prices(self.exchange, self.environment)
