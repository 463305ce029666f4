"""Which generation of a strategy counts."""

import hedge_examples as example

from hedgerow.schemas.records import StrategyPublished
from hedgerow.streams.config_tail import Generations


def generation(number: int, uid: str = "u") -> StrategyPublished:
    return StrategyPublished(
        uid=uid, generation=number, revision="r", published_ns=1, config=example.strategy()
    )


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
