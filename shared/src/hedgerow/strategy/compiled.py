"""What a `HedgeStrategy` becomes once it is checked: the config that the streams run on."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.accounts import AccountPart
from hedgerow.domain.instruments import Instrument
from hedgerow.domain.orders import TimeInForce


class Mode(StrEnum):
    SHADOW = "Shadow"
    PAPER = "Paper"


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


Rule = Band | SentimentCurve


class Freshness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How old an input may be before the strategy holds. `score_ns`: of a policy that reads scores; `account_ns`: of a
    strategy whose exposure has accounts."""

    quote_ns: int
    book_ns: int
    score_ns: int | None = None
    account_ns: int | None = None


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

    `exposure`, `accounts`: what is hedged; summed. `bands`, `sentiment_curves`: of the policy that it has; the other is
    empty.
    `flatten`: it is being deleted, and its hedge is to become zero whatever the exposure is.
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

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def underlyings(self) -> frozenset[str]:
        return frozenset(rule.underlying for rule in self.rules)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What the policy says, underlying by underlying."""
        return (*self.bands, *self.sentiment_curves)

    @property
    def scored(self) -> frozenset[str]:
        """The assets whose sentiment score it needs."""
        return frozenset(curve.underlying for curve in self.sentiment_curves)

    def hedged_on(self, venue: str) -> frozenset[str]:
        """The instruments that it hedges with on this venue."""
        return frozenset(leg.instrument.symbol for leg in self.hedge_with if leg.venue == venue)


class CompiledVenue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A venue account as the executor needs it. Limits in USD, dollar stablecoins counted at par."""

    namespace: str
    name: str
    type: str
    environment: str
    trading_enabled: bool
    account: str
    max_gross_notional: Decimal
    orders_per_second: int
    max_daily_loss: Decimal | None = None

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"
