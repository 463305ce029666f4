"""Small courses of prices, and a strategy on them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec

from hedgerow.backtest.bars import Settled, Touch
from hedgerow.backtest.market import FundingHistory, Market
from hedgerow.backtest.replay import Replay, replay
from hedgerow.backtest.scenario import Clients, Scenario
from hedgerow.strategy.compiled import CompiledStrategy

MINUTE_NS = 60 * example.SECOND_NS
HOUR_NS = 60 * MINUTE_NS
SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
START_NS = 1_670_889_600 * example.SECOND_NS


def scenario(**changes: Any) -> Scenario:
    """Two coins held, nobody trades, 5.5 bps; `changes` replaces whole fields."""
    base = Scenario(
        bars={SPOT: "spot.parquet", PERPETUAL: "perpetual.parquet"},
        books={"clients": {SPOT: Decimal(2)}},
        depth_usd=5e6,
        taker_fee_bps=Decimal("5.5"),
        seed=1,
    )
    return msgspec.structs.replace(base, **changes)


def busy(seed: int = 1) -> Scenario:
    """Clients trade twice a minute."""
    clients = Clients(book="clients", instrument=SPOT, per_hour=120, largest=Decimal("0.5"))
    return scenario(clients=(clients,), seed=seed)


def market(mids: Sequence[float], funding: Mapping[int, float] | None = None) -> Market:
    """Spot and perpetual at the same mids, a minute apart, half a dollar wide.

    Args:
        funding: rate of the perpetual by the minute in which it is paid, every 8 h as the venue has it.
    """
    touches = [Touch(START_NS + n * MINUTE_NS, mid - 0.25, mid + 0.25) for n, mid in enumerate(mids)]
    settled = [Settled(START_NS + minute * MINUTE_NS, rate) for minute, rate in (funding or {}).items()]
    history = {PERPETUAL: FundingHistory(settled, 8 * HOUR_NS)} if settled else {}
    return Market({SPOT: touches, PERPETUAL: touches}, history)


def played(
    mids: Sequence[float],
    strategy: CompiledStrategy | None = None,
    on: Scenario | None = None,
    funding: Mapping[int, float] | None = None,
) -> Replay:
    """BTC within ±1 by default."""
    return replay(strategy or example.strategy(), (example.venue(),), on or scenario(), market(mids, funding))
