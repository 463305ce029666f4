"""The order generator: clients who trade with the desk through its REST API, as the seed has it."""

import asyncio
from pathlib import Path

import structlog

from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.settings import SettingsError
from hedgerow_generator.api import DeskApi
from hedgerow_generator.metrics import GeneratorMetrics
from hedgerow_generator.plan import planned_orders
from hedgerow_generator.tally import TallyFile
from hedgerow_generator.trading import Trading
from hedgerow_generator.wishes import read_mix, read_sizes, require_positive

_log = structlog.get_logger(__name__)

# Within the worker's own patience with a role that was asked to stop.
_GRACE_S = 10.0


async def run(context: Context) -> None:
    """Trade until asked to stop; the gateway may come and go.

    Raises:
        SettingsError: a setting is missing or unusable; the message names it.
    """
    settings = context.settings
    require_positive("HEDGEROW_SESSION_START_NS", settings.session_start_ns)
    require_positive("HEDGEROW_ORDERS_PER_SECOND", settings.orders_per_second)
    orders = planned_orders(
        settings.orders_seed,
        settings.orders_per_second,
        read_sizes(settings.orders_sizes),
        read_mix(settings.orders_mix),
    )
    async with DeskApi(_url(context), _key(settings.orders_key_file)) as api:
        trading = Trading(
            api,
            GeneratorMetrics(context.metrics),
            TallyFile(settings.data_dir, settings.session_start_ns),
            context.readiness,
            context.stopping,
            f"gen-{settings.session_start_ns}-{settings.orders_seed}-",
            settings.session_start_ns,
        )
        work = asyncio.create_task(trading.run(orders))
        asked = asyncio.create_task(context.stopping.wait())
        await asyncio.wait([work, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        try:
            async with asyncio.timeout(_GRACE_S):
                await work
        except TimeoutError:
            _log.error("stopped without knowing how every order ended: the gateway does not answer")


def _url(context: Context) -> str:
    if context.settings.gateway_url is None:
        raise SettingsError(
            "HEDGEROW_GATEWAY_URL is not set; it should be the address of the gateway's REST API"
        )
    return context.settings.gateway_url


def _key(path: Path | None) -> str:
    if path is None:
        raise SettingsError(
            "HEDGEROW_ORDERS_KEY_FILE is not set; it should name a file with a trader's API key"
        )
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"HEDGEROW_ORDERS_KEY_FILE: {path} cannot be read: {error}") from error


# Orders go over HTTP alone.
role = ServiceRole(name="order-generator", run=run, needs_kafka=False)
