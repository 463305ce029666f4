"""The gateway as a role of the worker: client orders, books and halts over HTTP."""

import asyncio
from functools import partial
from pathlib import Path

from prometheus_client import Gauge

from hedgerow.adapters.cache import Cache
from hedgerow.adapters.redis_masters import Masters
from hedgerow.adapters.sentiment_scores import ScoreCache
from hedgerow.schemas.topics import MARKET_ENRICHED
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.metrics import worker_metrics
from hedgerow.streams.settings import SettingsError
from hedgerow_gateway.app import build_app
from hedgerow_gateway.breaker import Breaker
from hedgerow_gateway.desk import OrderDesk
from hedgerow_gateway.hedge_curves import HedgeCurves
from hedgerow_gateway.hedge_desk import HedgeDesk
from hedgerow_gateway.hedge_log import HedgeLog
from hedgerow_gateway.key_watch import KeyWatch
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.market import Market
from hedgerow_gateway.metrics import GatewayMetrics
from hedgerow_gateway.publishing import BookPublisher
from hedgerow_gateway.risk_log import RiskLog
from hedgerow_gateway.risk_view import RiskView
from hedgerow_gateway.server import listen, serve


async def run(context: Context) -> None:
    """Serve until asked to stop. Kafka and the ledger may come and go: each request says what it lacks.

    Raises:
        SettingsError: there is no folder of API keys, or the cache's address is none.
        KeysError: it cannot be used.
        OSError: the address cannot be bound.
    """
    settings = context.settings
    keys_folder = _keys_folder(context)
    masters = _masters(settings.redis)
    metrics = GatewayMetrics(context.metrics)
    worker = worker_metrics(context.metrics)
    market = Market(
        settings.kafka,
        settings.partitions,
        context.readiness,
        on_message=worker.received.labels(context.role, MARKET_ENRICHED.name).inc,
        on_stale=worker.stale.labels(context.role).inc,
    )
    ledger = LedgerPool(settings.ledger_dsn, context.readiness)
    publisher = BookPublisher(context.producer, lambda: market.reachable, metrics)
    desk = OrderDesk(ledger, market, publisher, metrics, settings.gateway_max_order_notional)
    risk = RiskView(
        Cache(masters) if masters else None, RiskLog(settings.kafka, settings.partitions), ledger, metrics
    )
    curves = HedgeCurves(ledger)
    hedge_log = HedgeLog(ledger, settings.data_dir, context.metrics)
    hedge_desk = HedgeDesk(
        curves, ScoreCache(masters) if masters else None, _breaker(context), market, hedge_log
    )
    app = build_app(ledger, desk, hedge_desk, risk, publisher, metrics)
    keys = KeyWatch(keys_folder, metrics, partial(setattr, app.state, "keys"))
    listener = listen(settings.gateway_host, settings.gateway_port)
    work = [
        asyncio.create_task(market.follow(context.stopping)),
        asyncio.create_task(desk.keep_filling(context.stopping)),
        asyncio.create_task(desk.keep_reloading(context.stopping)),
        asyncio.create_task(keys.follow(context.stopping)),
        asyncio.create_task(curves.follow(context.stopping)),
        asyncio.create_task(hedge_log.follow(context.stopping)),
        asyncio.create_task(serve(app, listener, context.stopping)),
    ]
    try:
        await _until_stopped(context.stopping, work)
    finally:
        await hedge_log.drain()
        await ledger.close()
        if masters is not None:
            await masters.close()


async def _until_stopped(stopping: asyncio.Event, work: list[asyncio.Task[None]]) -> None:
    """Run all of it until asked to stop, and end all when one of them fails."""
    asked = asyncio.create_task(_asked(stopping))
    try:
        await asyncio.wait([asked, *work], return_when=asyncio.FIRST_COMPLETED)
        *helpers, server = work
        for helper in helpers:
            helper.cancel()
        if asked.done():
            await asyncio.wait([server])
        else:
            server.cancel()
        for result in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
    finally:
        asked.cancel()


async def _asked(stopping: asyncio.Event) -> None:
    await stopping.wait()


def _keys_folder(context: Context) -> Path:
    folder = context.settings.gateway_keys_dir
    if folder is None:
        raise SettingsError(
            "HEDGEROW_GATEWAY_KEYS_DIR is not set; it should name a folder with one subfolder per API key, "
            "each with the files key and role"
        )
    return folder


def _breaker(context: Context) -> Breaker:
    """Around the scores of `POST /hedge`."""
    breaker = Breaker()
    is_open = Gauge(
        "hedgerow_score_circuit_open",
        "1 while POST /hedge does not ask the Redis Cluster for scores",
        registry=context.metrics,
    )
    is_open.set_function(lambda: float(breaker.is_open))
    return breaker


def _masters(nodes: str | None) -> Masters | None:
    try:
        return None if nodes is None else Masters(nodes)
    except ValueError as error:
        raise SettingsError(f"HEDGEROW_REDIS: {error}") from None


# Halts and books must pass while Kafka is away, so the role does not wait for it.
role = ServiceRole(name="gateway", run=run, needs_kafka=False)
