"""Sentiment scores from the Redis Cluster into `scores`."""

import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from hedgerow.adapters.redis_masters import Masters
from hedgerow.adapters.sentiment_scores import ScoreCache, ScoreRefused
from hedgerow.domain.instruments import LISTINGS
from hedgerow.schemas.codec import encode
from hedgerow.schemas.topics import SCORES
from hedgerow.streams import trace
from hedgerow.streams.context import Context
from hedgerow.streams.settings import SettingsError
from hedgerow.streams.waiting import stopped_within
from hedgerow_ingestion.score_board import ScoreBoard

_log = structlog.get_logger(__name__)

POLL_S = 0.1
ASSETS = tuple(sorted({instrument.underlying for instrument in LISTINGS.values()}))


class _ScoreMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = Counter(
            "hedgerow_scores_refused",
            "Sentiment scores that were refused, by field and rule",
            ("asset", "field", "rule"),
            registry=registry,
        )
        self.score = Gauge(
            "hedgerow_sentiment_score", "Newest score that was told", ("asset",), registry=registry
        )
        self.time = Gauge(
            "hedgerow_sentiment_score_time_seconds",
            "When the newest score was made, by its source's clock",
            ("asset",),
            registry=registry,
        )
        self.up = Gauge("hedgerow_score_source_up", "1 while the Redis Cluster answers", registry=registry)

    def refuse(self, asset: str, refused: ScoreRefused) -> None:
        self.refused.labels(asset, refused.field, refused.rule).inc()
        _log.warning(
            "score refused", asset=asset, field=refused.field, rule=refused.rule, detail=str(refused)
        )


async def follow_scores(context: Context, nodes: str) -> None:
    """Tell every good score until asked to stop. The cluster's absences are waited out: scores grow old meanwhile,
    and the strategies that need them say so.

    Raises:
        SettingsError: the cluster's address is none.
    """
    try:
        cache = ScoreCache(Masters(nodes))
    except ValueError as error:
        raise SettingsError(f"HEDGEROW_REDIS: {error}") from None
    metrics = _ScoreMetrics(context.metrics)
    board = ScoreBoard(metrics.refuse)
    problem = ""
    try:
        while not await stopped_within(context.stopping, POLL_S):
            read = await cache.read(ASSETS)
            if read.problem != problem:
                problem = read.problem
                _log.info("scores can be read" if not problem else "scores cannot be read", problem=problem)
            metrics.up.set(not problem)
            now_ns = time.time_ns()
            for asset, value in read.values.items():
                board.take(asset, value, now_ns)
            for score in board.due(now_ns):
                headers = trace.start(f"score:{score.asset}:{score.sequence}", now_ns)
                context.producer.send(SCORES.name, score.asset, encode(score), headers)
                metrics.score.labels(score.asset).set(score.score)
                metrics.time.labels(score.asset).set(score.time_ns / 1e9)
    finally:
        await cache.close()
