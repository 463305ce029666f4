"""The `HedgeStrategy` resource: which exposure to hold within which band, by trading what, within which limits."""

from typing import Annotated, Literal

from pydantic import Field

from hedgerow.domain.orders import TimeInForce
from hedgerow.strategy.compiled import BandUnit, Mode
from hedgerow.strategy.fields import (
    Asset,
    DecimalText,
    Duration,
    Flag,
    Name,
    Part,
    PositiveDecimalText,
    PositiveDuration,
    Symbol,
)
from hedgerow.strategy.resource import Resource

MAX_ITEMS = 16
_List = Field(min_length=1, max_length=MAX_ITEMS)


class NamedRef(Part):
    """Another object, by name."""

    name: Name = Field(description="Its name, in the strategy's own namespace.")


class BookRef(Part):
    """A client book."""

    name: Name = Field(description="Name under which the book's positions are delivered.")


class ExposureSource(Part):
    """One source of exposure; all are summed, so each position must be counted once."""

    name: Name = Field(description="What this source is called in this strategy.")
    book: BookRef = Field(description="The client book whose positions count.")


class HedgeLeg(Part):
    """One instrument that the hedge may be traded in.

    The ledger names a leg by its position in `hedgeWith`, so a changed order of legs counts as a change of
    `hedgeWith`: it is refused while a position is open.
    """

    venue_ref: NamedRef = Field(description="The Venue to trade on.")
    instrument: Symbol = Field(
        description="Unified symbol of what to trade. A venue account's instrument belongs to one strategy."
    )
    priority: Annotated[int, Field(strict=True, ge=1, le=100)] = Field(
        description="Of the legs with one underlying, the one with the lowest number is traded. Each number once."
    )


class BandRule(Part):
    """Where the net delta of one underlying may be. Outside, it is traded back."""

    underlying: Asset = Field(description="The asset whose net delta is held.")
    lower: DecimalText = Field(description="Lower edge, in `unit`; negative is short.")
    upper: DecimalText = Field(description="Upper edge, in `unit`; above `lower`.")
    unit: BandUnit = Field(
        default=BandUnit.NOTIONAL,
        description="Notional: the edges are in the strategy's currency. Underlying: in units of the underlying.",
    )
    return_to: Literal["Edge"] = Field(
        default="Edge", description="Edge: trade back to the edge that was crossed, and no further."
    )


class Policy(Part):
    """What decides when and how much to hedge."""

    type: Literal["Band"] = Field(description="Band: hold each underlying's net delta within a band.")
    band: Annotated[tuple[BandRule, ...], _List] = Field(description="One band for each underlying.")


class FreshnessSpec(Part):
    """How old an input may be before the strategy stops relying on it."""

    quote: PositiveDuration = Field(description="Oldest usable quote.")
    book: PositiveDuration = Field(description="Oldest usable client book.")
    on_stale: Literal["Hold"] = Field(
        default="Hold", description="Hold: send nothing while an input is missing, stale or invalid."
    )


class ExecutionSpec(Part):
    """How a hedge is sent."""

    style: Literal["Clips"] = Field(
        default="Clips", description="Clips: one order of at most `clipNotional` after the other."
    )
    clip_notional: PositiveDecimalText = Field(
        description="Largest value of one order, in the strategy's currency; at most limits.maxOrderNotional."
    )
    time_in_force: TimeInForce = Field(
        default=TimeInForce.IOC, description="IOC: what does not fill at once is cancelled."
    )
    max_slippage_bps: Annotated[int, Field(strict=True, ge=0, le=1000)] = Field(
        description="How far beyond the touch an order may fill, in basis points; at most limits.priceCollarBps."
    )
    cooldown: Duration = Field(default="2s", description="Shortest time from one decision to the next.")
    unknown_deadline: PositiveDuration = Field(
        default="60s", description="How long an order's fate may stay unknown before a person is called."
    )


class LimitsSpec(Part):
    """Ceilings that are checked for every order before it is sent. Notionals in the strategy's currency."""

    max_order_notional: PositiveDecimalText = Field(description="Largest value of one order.")
    max_position_notional: PositiveDecimalText = Field(description="Largest value of one leg's position.")
    max_orders_per_minute: Annotated[int, Field(strict=True, ge=1, le=6000)] = Field(
        description="How many orders may be sent within any minute."
    )
    price_collar_bps: Annotated[int, Field(strict=True, ge=1, le=5000)] = Field(
        description="How far an order's price may be from the venue's own mid, in basis points."
    )


class HedgeStrategySpec(Part):
    """What to hedge, with what, when and within which limits."""

    mode: Mode = Field(
        default=Mode.SHADOW,
        description="Shadow: decides and fills virtually, sends nothing. Paper: trades on the built-in exchange.",
    )
    suspend: Flag = Field(default=False, description="True: watch and measure, decide nothing.")
    currency: Literal["USD"] = Field(
        default="USD", description="Currency of every notional of this strategy."
    )
    exposure: Annotated[tuple[ExposureSource, ...], _List] = Field(description="What is hedged; summed.")
    hedge_with: Annotated[tuple[HedgeLeg, ...], _List] = Field(description="What the hedge is traded in.")
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
