"""Which strategies a worker answers for, and the acknowledgement that it runs their generations."""

import time

from hedgerow.schemas.records import Acknowledgement, StrategyPublished
from hedgerow.schemas.topics import STRATEGY_STATUS, TOPICS
from hedgerow.streams.context import Outgoing, StreamRole
from hedgerow.streams.faust_app import Partition
from hedgerow.streams.partitioning import partition_of

_PARTITIONED = frozenset(topic.name for topic in TOPICS if topic.partitioned)


def home_topic(role: StreamRole) -> str:
    """The topic whose partitions decide who answers for a strategy: the first partitioned one of the role.

    Raises:
        ValueError: the role subscribes to no partitioned topic.
    """
    for subscription in role.subscriptions:
        if subscription.topic in _PARTITIONED:
            return subscription.topic
    raise ValueError(f"role {role.name} follows strategies but subscribes to no partitioned topic")


def home_of(role: StreamRole, strategy: str, partitions: int) -> Partition:
    """The partition whose owner answers for this strategy in this role."""
    return home_topic(role), partition_of(strategy, partitions)


def acknowledgement(role: str, worker: str, strategy: str, published: StrategyPublished) -> Outgoing:
    """This worker runs this generation."""
    return Outgoing(
        topic=STRATEGY_STATUS.name,
        key=f"{strategy}/{role}",
        record=Acknowledgement(
            strategy=strategy,
            role=role,
            worker=worker,
            uid=published.uid,
            generation=published.generation,
            revision=published.revision,
            time_ns=time.time_ns(),
        ),
    )
