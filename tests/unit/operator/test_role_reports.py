"""Which of what roles say is news of a strategy."""

from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Acknowledgement, StrategyState
from hedgerow.schemas.topics import STRATEGY_STATUS
from hedgerow.streams.processor import RawMessage
from hedgerow_operator.reports import Reports

BTC = "desk/btc"
ROLES = frozenset({"risk", "hedging"})


def said(record: Acknowledgement | StrategyState) -> RawMessage:
    return RawMessage(
        topic=STRATEGY_STATUS.name, partition=0, offset=0, key=b"", value=encode(record), headers=()
    )


def acknowledged(role: str, generation: int) -> RawMessage:
    return said(
        Acknowledgement(
            strategy=BTC, role=role, worker="w", uid="u", generation=generation, revision="r", time_ns=1
        )
    )


def test_acknowledgements_are_news_when_the_last_one_came() -> None:
    news: list[str] = []
    reports = Reports(news.append)
    reports.await_roles(BTC, "u", 2, ROLES)
    for message in (acknowledged("risk", 2), acknowledged("hedging", 1), acknowledged("risk", 2)):
        reports.take(message)
    assert news == []
    assert reports.roles(BTC, "u", 2) == {"risk"}
    reports.take(acknowledged("hedging", 2))
    assert news == [BTC]
    # Nobody waits any more, so what comes now may say that a role fell behind.
    reports.take(acknowledged("risk", 1))
    assert news == [BTC, BTC]


def test_a_state_is_news_whoever_is_awaited() -> None:
    news: list[str] = []
    reports = Reports(news.append)
    reports.await_roles(BTC, "u", 2, ROLES)
    reports.take(
        said(StrategyState(strategy=BTC, uid="u", generation=1, state="Stale", detail="", since_ns=1))
    )
    assert news == [BTC]


def test_what_is_gone_is_awaited_no_more() -> None:
    news: list[str] = []
    reports = Reports(news.append)
    reports.await_roles(BTC, "u", 2, ROLES)
    reports.forget(BTC)
    reports.take(acknowledged("risk", 1))
    assert news == [BTC]
