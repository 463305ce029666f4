"""What the controls at the claim look at, and what they answer."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, signed
from hedgerow.execution.intents import Intent, Ticker
from hedgerow.execution.order_life import IntentState
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


class RefusalCode(StrEnum):
    HALTED = "Halted"
    STALE_DECISION = "StaleDecision"
    SUPERSEDED = "Superseded"
    NOT_PERMITTED = "NotPermitted"
    UNREADABLE = "Unreadable"
    MARKET_RULES = "MarketRules"
    CURRENCY = "Currency"
    OFF_TICK = "OffTick"
    OFF_LOT = "OffLot"
    BELOW_MINIMUM = "BelowMinimum"
    STALE_TICKER = "StaleTicker"
    INVALID_TICKER = "InvalidTicker"
    PRICE_COLLAR = "PriceCollar"
    ORDER_NOTIONAL = "OrderNotional"
    POSITION_NOTIONAL = "PositionNotional"
    GROSS_NOTIONAL = "GrossNotional"
    LIQUIDATION_DISTANCE = "LiquidationDistance"
    DAILY_TURNOVER = "DailyTurnover"
    DAILY_LOSS = "DailyLoss"
    REPEATED_ORDER = "RepeatedOrder"
    ORDER_RATE = "OrderRate"
    LEGS_TOGETHER = "LegsTogether"
    STALE_FUNDS = "StaleFunds"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    OTHER_ACCOUNT_FUNDS = "OtherAccountFunds"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why an intent is never sent, with the numbers."""

    code: RefusalCode
    detail: str


class Ceilings(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The platform's own limits, over whatever strategies and Venues declare; None is no ceiling."""

    max_order_notional: Decimal | None = None
    max_position_notional: Decimal | None = None
    max_daily_turnover: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_orders_per_minute: int | None = None
    price_collar_bps: Decimal | None = None
    max_gross_notional: Decimal | None = None


class Funds(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue lets the account put up for new orders.

    Attributes:
        available: in USD, and what counts as much.
        leverage: by contract, as it is set on the account; no entry where the venue tells none.
        time_ns: when the venue was asked, by our clock.
    """

    available: Decimal
    leverage: Mapping[str, Decimal]
    time_ns: int


class Claimable(msgspec.Struct, frozen=True, kw_only=True):
    """Another order, as far as a claim looks at it.

    `position`: the strategy's signed position in the instrument, which the order may close; zero where nobody looks.
    """

    id: int
    state: IntentState
    venue: str
    account: str
    instrument: str
    side: Side
    quantity: Decimal
    limit_price: Decimal
    position: Decimal


class OtherAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Another account with legs of the same decision, as its own executor last wrote of it.

    `claimed_since_funds`: as in `ClaimFacts`, of that account.
    """

    venue: str
    account: str
    funds: Funds
    claimed_since_funds: tuple[Claimable, ...]


class VenueView(msgspec.Struct, frozen=True, kw_only=True):
    """What the executor last saw at the venue.

    Attributes:
        opened: which exchange and environment its client speaks to, as `CompiledVenue.prices` names it.
        tickers: the touch, by instrument; liquidation_prices: where the venue would liquidate the position.
        funds: of the account; None before they were seen.
        market_problems: why an instrument's market is not as it is listed here.
    """

    opened: str
    tickers: Mapping[str, Ticker]
    liquidation_prices: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    funds: Funds | None = None
    market_problems: Mapping[str, str] = msgspec.field(default_factory=dict)


class ClaimFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the controls look at, read in the claim's own transaction.

    Money is in the strategy's currency, counted at par (`domain.currencies`).

    Attributes:
        config: of the ledger's current generation; None when the strategy is gone.
        opened: which exchange and environment the executor's client speaks to, as `CompiledVenue.prices` names it.
        market_problem: why the instrument's market is not as it is listed here; None when it is.
        position: the strategy's signed position in the instrument, in contracts.
        at_venue: signed contracts of the strategy's other intents in this instrument that the venue may hold
            (an Unknown one counts as filled).
        account_gross_notional: of all positions and orders on the account before this one.
        turnover_today: of the strategy, what the venue may hold counted as filled.
        loss_today, account_loss_today: of the strategy's hedge, of all hedges on the account; negative is profit.
        unmarked: instruments held on the account whose value the venue does not tell now.
        liquidation_price: at which the venue would close the account's position in the instrument; None when it
            names none.
        funds: of the account, as the venue last told; None before it did.
        companions: the other intents of the same decision.
        claimed_since_funds: other orders of the account since the venue was asked for its funds, which may not count
            them yet.
        other_accounts: those of the companions; one whose funds nobody has written down is not among them.
        orders_last_minute: of the strategy; orders_last_second: of the account; repeated_orders: of the strategy in
            the last minute, the newest ones in the instrument in a row that went the intent's way.
    """

    intent: Intent
    instrument: Instrument
    config: CompiledStrategy | None
    generation: int
    venue: CompiledVenue
    ceilings: Ceilings
    halts: tuple[str, ...]
    ticker: Ticker | None
    opened: str
    market_problem: str | None
    position: Decimal
    at_venue: Decimal
    account_gross_notional: Decimal
    turnover_today: Decimal
    loss_today: Decimal
    account_loss_today: Decimal
    unmarked: tuple[str, ...]
    liquidation_price: Decimal | None
    funds: Funds | None
    companions: tuple[Claimable, ...]
    claimed_since_funds: tuple[Claimable, ...]
    other_accounts: tuple[OtherAccount, ...]
    orders_last_minute: int
    repeated_orders: int
    orders_last_second: int
    now_ns: int


def reduces(facts: ClaimFacts) -> bool:
    """Whether the order brings the strategy's position nearer to zero, everything at the venue counted."""
    before = facts.position + facts.at_venue
    after = before + signed(facts.intent.side, facts.intent.quantity)
    return abs(after) < abs(before)


def opens(side: Side, quantity: Decimal, position: Decimal) -> Decimal:
    """How much of an order is left when it has closed what it can of a signed position."""
    return max(ZERO, quantity - max(ZERO, -side.sign * position))


def highest_price(facts: ClaimFacts) -> Decimal:
    """What the order is valued at. A sell's limit is the least it may get; what it is worth is the touch."""
    limit = facts.intent.limit_price
    if facts.intent.side is Side.BUY or facts.ticker is None:
        return limit
    return max(limit, facts.ticker.bid)


def order_notional(facts: ClaimFacts) -> Decimal:
    """The most that the order is worth."""
    return facts.instrument.notional(facts.intent.quantity, highest_price(facts))
