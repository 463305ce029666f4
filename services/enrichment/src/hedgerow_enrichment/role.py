"""Enrichment: `market.raw` to `market.enriched`."""

from hedgerow.schemas.topics import MARKET_RAW
from hedgerow.streams.context import Context, StreamRole, Subscription
from hedgerow.streams.metrics import stale_counter
from hedgerow_enrichment.enrich import EnrichmentStepper, MarketRecord


def make_stepper(context: Context) -> EnrichmentStepper:
    return EnrichmentStepper(stale_counter(context.metrics, context.role))


role = StreamRole(
    name="enrichment",
    subscriptions=(Subscription(topic=MARKET_RAW.name, record_type=MarketRecord),),
    make_stepper=make_stepper,
)
