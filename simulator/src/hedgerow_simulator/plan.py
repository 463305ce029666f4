"""What a seed decides before a run begins: the strategy, the market, and which faults there are and how many."""

import random
from decimal import Decimal

import msgspec

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.orders import TimeInForce
from hedgerow.strategy.compiled import (
    Band,
    BandUnit,
    BookSource,
    CompiledStrategy,
    CompiledVenue,
    Escalation,
    Execution,
    Freshness,
    Leg,
    Limits,
    Mode,
    Style,
    Twap,
)

SYMBOL = "BTC/USDT:USDT"
BOOK = "clients"
ACCOUNT = "hedge-01"
UID = "6f1a2b3c-4d5e-4f60-8172-8394a5b6c7d8"
SECOND_NS = 1_000_000_000

VENUE = CompiledVenue(
    namespace="desk",
    name="paper",
    type="Builtin",
    environment="Paper",
    trading_enabled=True,
    account=ACCOUNT,
    max_gross_notional=Decimal(5_000_000),
    orders_per_second=5,
)


_PATIENCE = Escalation(
    passive_ns=SECOND_NS,
    inside_ticks=0,
    reprice_ticks=20,
    aggressive_ns=2 * SECOND_NS,
    second_instrument_ns=SECOND_NS,
    retry_ns=2 * SECOND_NS,
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run's scenario. Probabilities are per occasion; 0 switches a kind of fault off.

    Attributes:
        faults_s: how long clients trade and faults happen; what comes after is calm.
        kill, pause: of a process, each time it asks something of the outside.
        slow, unanswered_before, unanswered_after: of a request to the ledger, its transaction not done or done.
        crash_ledger_every_s, ...: mean time between; 0 never.
        drop_request, drop_reply, late_request, late_reply, refuse, repeat, hide: of a request to the venue.
        lose, double, delay: of a message.
        halts, republishes, promotions: how many there are in the run.
    """

    faults_s: float
    band: Decimal
    clip_notional: Decimal
    style: Style
    clients_every_s: float
    largest_fill: Decimal
    depth: float
    volatility_bps: float
    kill: float
    pause: float
    longest_pause_s: float
    clock_skew_ms: float
    slow: float
    unanswered_before: float
    unanswered_after: float
    crash_ledger_every_s: float
    lose_lock_every_s: float
    drop_request: float
    drop_reply: float
    late_request: float
    late_reply: float
    refuse: float
    repeat: float
    hide: float
    crash_venue_every_s: float
    lose: float
    double: float
    delay: float
    crash_log_every_s: float
    rebalance_every_s: float
    invalid_quote: float
    poison: float
    halts: int
    republishes: int
    promotions: int


def draw_plan(seed: int) -> Plan:
    """A run's scenario. Each kind of fault is left out of some runs, so that the others are met by themselves."""
    drawn = random.Random(f"{seed}:plan")

    def rate(most: float, share: float = 0.6) -> float:
        value = most * drawn.random()
        return value if drawn.random() < share else 0.0

    # A clip is about as large as a client's largest fill, so that the book can be worked off in time.
    clip_notional, largest_fill = drawn.choice([("3000", "0.05"), ("20000", "0.4"), ("100000", "2")])
    return Plan(
        faults_s=drawn.uniform(6.0, 14.0),
        band=Decimal(drawn.choice(["0", "0.0005", "0.05", "0.2"])),
        clip_notional=Decimal(clip_notional),
        style=drawn.choice([Style.CLIPS, Style.CLIPS, Style.TWAP, Style.ESCALATION]),
        clients_every_s=drawn.uniform(0.3, 2.0),
        largest_fill=Decimal(largest_fill),
        depth=float(largest_fill) * drawn.choice([0.1, 0.5, 5.0]),
        volatility_bps=drawn.choice([0.5, 3.0, 15.0]),
        kill=rate(0.006),
        pause=rate(0.004),
        longest_pause_s=drawn.choice([1.0, 9.0]),
        clock_skew_ms=drawn.choice([0.0, 50.0, 400.0]),
        slow=rate(0.03),
        unanswered_before=rate(0.02),
        unanswered_after=rate(0.02),
        crash_ledger_every_s=drawn.choice([0.0, 0.0, 5.0]),
        lose_lock_every_s=drawn.choice([0.0, 0.0, 4.0]),
        drop_request=rate(0.15),
        drop_reply=rate(0.2),
        late_request=rate(0.2),
        late_reply=rate(0.2),
        refuse=rate(0.15),
        repeat=rate(0.2),
        hide=rate(0.4),
        crash_venue_every_s=drawn.choice([0.0, 0.0, 6.0]),
        lose=rate(0.05),
        double=rate(0.3),
        delay=rate(0.3),
        crash_log_every_s=drawn.choice([0.0, 0.0, 0.0, 6.0]),
        rebalance_every_s=drawn.choice([0.0, 0.7, 4.0]),
        invalid_quote=rate(0.1, 0.3),
        poison=rate(0.05, 0.3),
        halts=drawn.choice([0, 0, 0, 1, 2]),
        republishes=drawn.choice([0, 0, 1, 2]),
        promotions=drawn.choice([0, 0, 0, 1, 2]),
    )


def strategy_of(plan: Plan, widened: int = 0) -> CompiledStrategy:
    """The strategy of a run. `widened`: how often its band was changed since the start."""
    edge = plan.band + Decimal("0.01") * widened
    return CompiledStrategy(
        namespace="desk",
        name="btc",
        mode=Mode.PAPER,
        suspend=False,
        currency="USD",
        exposure=(BookSource(name="clients", book=BOOK),),
        hedge_with=(Leg(index=0, venue=VENUE.key, account=ACCOUNT, instrument=find_instrument(SYMBOL)),),
        bands=(Band(underlying="BTC", lower=-edge, upper=edge, unit=BandUnit.UNDERLYING),),
        freshness=Freshness(quote_ns=3 * SECOND_NS, book_ns=15 * SECOND_NS),
        execution=Execution(
            clip_notional=plan.clip_notional,
            time_in_force=TimeInForce.IOC,
            max_slippage_bps=Decimal(20),
            cooldown_ns=SECOND_NS // 2,
            unknown_deadline_ns=60 * SECOND_NS,
            twap=Twap(duration_ns=2 * SECOND_NS, slices=3) if plan.style is Style.TWAP else None,
            escalation=_PATIENCE if plan.style is Style.ESCALATION else None,
        ),
        limits=Limits(
            max_order_notional=Decimal(200_000),
            max_position_notional=Decimal(5_000_000),
            max_orders_per_minute=100,
            price_collar_bps=Decimal(100),
        ),
    )
