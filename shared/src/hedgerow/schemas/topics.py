"""Every topic in one place: who is keyed by what, for how long it is kept, in how many partitions."""

from enum import StrEnum

import msgspec

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Cleanup(StrEnum):
    DELETE = "delete"
    COMPACT = "compact"


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One topic. `partitioned` topics get the installation's partition count, the others exactly one."""

    name: str
    key: str
    partitioned: bool
    cleanup: Cleanup
    retention_ms: int | None = None


MARKET_RAW = Topic(
    name="market.raw", key="underlying", partitioned=True, cleanup=Cleanup.DELETE, retention_ms=HOUR_MS
)
MARKET_ENRICHED = Topic(
    name="market.enriched", key="underlying", partitioned=True, cleanup=Cleanup.DELETE, retention_ms=HOUR_MS
)
BOOKS = Topic(name="books", key="book", partitioned=True, cleanup=Cleanup.COMPACT)
SCORES = Topic(name="scores", key="asset", partitioned=True, cleanup=Cleanup.COMPACT)
ACCOUNTS = Topic(name="accounts", key="venue", partitioned=True, cleanup=Cleanup.COMPACT)
STRATEGIES = Topic(name="strategies", key="namespace/name", partitioned=False, cleanup=Cleanup.COMPACT)
RISK_INPUTS = Topic(
    name="risk.inputs", key="namespace/name", partitioned=True, cleanup=Cleanup.DELETE, retention_ms=DAY_MS
)
RISK_STATE = Topic(
    name="risk.state", key="namespace/name", partitioned=True, cleanup=Cleanup.DELETE, retention_ms=DAY_MS
)
STRATEGY_STATUS = Topic(
    name="strategy.status", key="namespace/name/role, or …/state", partitioned=False, cleanup=Cleanup.COMPACT
)
ROLE_BEATS = Topic(name="role.beats", key="role/worker", partitioned=False, cleanup=Cleanup.COMPACT)
HEDGE_DECISIONS = Topic(
    name="hedge.decisions",
    key="namespace/name",
    partitioned=True,
    cleanup=Cleanup.DELETE,
    retention_ms=DAY_MS,
)
HEDGE_FILLS = Topic(
    name="hedge.fills", key="namespace/name", partitioned=True, cleanup=Cleanup.DELETE, retention_ms=DAY_MS
)
DEAD_LETTERS = Topic(
    name="dead.letters",
    key="source topic",
    partitioned=False,
    cleanup=Cleanup.DELETE,
    retention_ms=7 * DAY_MS,
)

TOPICS: tuple[Topic, ...] = (
    MARKET_RAW,
    MARKET_ENRICHED,
    BOOKS,
    SCORES,
    ACCOUNTS,
    STRATEGIES,
    RISK_INPUTS,
    RISK_STATE,
    STRATEGY_STATUS,
    ROLE_BEATS,
    HEDGE_DECISIONS,
    HEDGE_FILLS,
    DEAD_LETTERS,
)
