"""The router as a stream role: `market.enriched`, `books`, `scores` and `accounts` in, `risk.inputs` out."""

from hedgerow.schemas.records import AccountState, ClientBook, Quote, Score
from hedgerow.schemas.topics import ACCOUNTS, BOOKS, MARKET_ENRICHED, SCORES
from hedgerow.streams.context import Context, StreamRole, Subscription
from hedgerow.streams.metrics import stale_counter
from hedgerow_enrichment.router import Router


def make_stepper(context: Context) -> Router:
    return Router(context.settings.partitions, stale_counter(context.metrics, context.role))


# `market.enriched` comes first: its partitions decide who tells a strategy's generation.
role = StreamRole(
    name="router",
    subscriptions=(
        Subscription(topic=MARKET_ENRICHED.name, record_type=Quote),
        Subscription(topic=BOOKS.name, record_type=ClientBook),
        Subscription(topic=SCORES.name, record_type=Score),
        Subscription(topic=ACCOUNTS.name, record_type=AccountState),
    ),
    make_stepper=make_stepper,
    follows_strategies=True,
    tick_interval_s=0.1,
)
