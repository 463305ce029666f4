"""What the ledger has of every live strategy, as entries of the cache. Pure."""

from hedgerow.adapters.cache_keys import ALL_STRATEGIES, STRATEGIES, SUMMARIES, Entry, StrategyNames, order_of
from hedgerow.ledger.overview import Overview, summary_of
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import StrategySummary


def summary_entries(overview: Overview, read_ns: int) -> list[Entry]:
    """One entry per strategy, and one that names them all."""
    names = StrategyNames(
        names=tuple(snapshot.config.key for snapshot in overview.strategies), time_ns=read_ns
    )
    return [
        *(_summary_entry(summary_of(snapshot)) for snapshot in overview.strategies),
        Entry(STRATEGIES.key(ALL_STRATEGIES), order_of(0, read_ns), encode(names)),
    ]


def _summary_entry(summary: StrategySummary) -> Entry:
    order = order_of(summary.sequence, summary.time_ns)
    return Entry(SUMMARIES.key(summary.strategy), order, encode(summary))
