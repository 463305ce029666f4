"""Which generation of a strategy counts."""

from decimal import Decimal

from hedgerow.domain.orders import TimeInForce
from hedgerow.schemas.records import StrategyPublished
from hedgerow.strategy.compiled import CompiledStrategy, Execution, Freshness, Limits, Mode
from hedgerow.streams.config_tail import Generations

CONFIG = CompiledStrategy(
    namespace="demo",
    name="btc",
    mode=Mode.SHADOW,
    suspend=False,
    currency="USD",
    exposure=(),
    hedge_with=(),
    bands=(),
    freshness=Freshness(quote_ns=1, book_ns=1),
    execution=Execution(
        clip_notional=Decimal(1),
        time_in_force=TimeInForce.IOC,
        max_slippage_bps=Decimal(1),
        cooldown_ns=1,
        unknown_deadline_ns=1,
    ),
    limits=Limits(
        max_order_notional=Decimal(1),
        max_position_notional=Decimal(1),
        max_orders_per_minute=1,
        price_collar_bps=Decimal(1),
    ),
)


def generation(number: int, uid: str = "u") -> StrategyPublished:
    return StrategyPublished(uid=uid, generation=number, revision="r", published_ns=1, config=CONFIG)


def test_only_a_higher_generation_of_the_same_uid_is_news() -> None:
    generations = Generations()
    assert generations.offer("demo/btc", generation(2))
    assert not generations.offer("demo/btc", generation(2))
    assert not generations.offer("demo/btc", generation(1))
    assert generations.offer("demo/btc", generation(3))
    assert generations.known["demo/btc"].generation == 3


def test_another_uid_is_another_strategy_whatever_its_generation() -> None:
    generations = Generations()
    generations.offer("demo/btc", generation(7))
    assert generations.offer("demo/btc", generation(1, uid="again"))
    assert generations.known["demo/btc"].uid == "again"


def test_taking_away_is_news_once() -> None:
    generations = Generations()
    assert not generations.offer("demo/btc", None)
    generations.offer("demo/btc", generation(1))
    assert generations.offer("demo/btc", None)
    assert not generations.offer("demo/btc", None)
    assert generations.known == {}
