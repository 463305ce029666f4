"""Which strategies a worker answers for, the acknowledgement that it runs their generations, and its beat."""

import time
from collections.abc import Iterable

from hedgerow.schemas.records import Acknowledgement, RoleBeat, StrategyPublished
from hedgerow.schemas.topics import ROLE_BEATS, STRATEGY_STATUS, TOPICS
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


def beat(role: StreamRole, worker: str, owned: Iterable[Partition]) -> Outgoing:
    """This worker still runs the role for what it owns."""
    home = home_topic(role)
    partitions = tuple(sorted(number for topic, number in owned if topic == home))
    record = RoleBeat(role=role.name, worker=worker, partitions=partitions, time_ns=time.time_ns())
    return Outgoing(topic=ROLE_BEATS.name, key=f"{role.name}/{worker}", record=record)
