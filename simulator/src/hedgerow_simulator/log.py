"""The log: partitions, consumer groups, offsets. Messages come late, twice, out of order, or die with their sender."""

from collections.abc import Callable

import msgspec

from hedgerow.streams.context import Headers
from hedgerow.streams.partitioning import partition_of
from hedgerow.streams.processor import RawMessage
from hedgerow_simulator.world import Life, World

PARTITIONS = 2
SESSION_TIMEOUT_S = 6.0
TopicPartition = tuple[str, int]


class Member(msgspec.Struct, kw_only=True):
    """One worker in a group; `wake` tells it that there is something to do."""

    life: Life
    wake: Callable[[], None]


class Group(msgspec.Struct, kw_only=True):
    """A consumer group. `epoch` rises at each rebalance; offsets of an older one are not taken."""

    topics: tuple[str, ...]
    epoch: int = 0
    members: dict[str, Member] = {}
    owners: dict[TopicPartition, str] = {}
    committed: dict[TopicPartition, int] = {}


class Log:
    """Kafka, as far as it can hurt."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.partitions: dict[TopicPartition, list[RawMessage]] = {}
        self.groups: dict[str, Group] = {}
        self.up_at_s = 0.0
        self._order_s: dict[TopicPartition, float] = {}

    def group(self, name: str, topics: tuple[str, ...]) -> Group:
        return self.groups.setdefault(name, Group(topics=topics))

    def join(self, group: Group, life: Life, wake: Callable[[], None]) -> None:
        """Become a member, and stay it until dead or silent for the session timeout."""
        group.members[life.name] = Member(life=life, wake=wake)
        life.on_death.append(lambda: self.world.later(SESSION_TIMEOUT_S, self._expel, group, life))
        self.rebalance(group)

    def _expel(self, group: Group, life: Life) -> None:
        member = group.members.get(life.name)
        if member is not None and member.life is life:
            del group.members[life.name]
            self.rebalance(group)

    def watch(self) -> None:
        """Members that sleep longer than the session timeout are expelled, as the broker would."""
        for group in self.groups.values():
            for member in list(group.members.values()):
                asleep_s = member.life.asleep_s()
                if asleep_s > SESSION_TIMEOUT_S:
                    self._expel(group, member.life)

    def rebalance(self, group: Group) -> None:
        group.epoch += 1
        names = sorted(group.members)
        group.owners = {
            (topic, partition): names[(partition + group.epoch) % len(names)]
            for topic in group.topics
            for partition in range(PARTITIONS)
            if names
        }
        self.world.tell("log", f"{', '.join(group.topics)}: now owned by {', '.join(names) or 'nobody'}")
        for member in group.members.values():
            member.wake()

    def shuffle(self) -> None:
        """Every partition of some group gets another owner."""
        name = self.world.random("shuffle").choice(sorted(self.groups))
        self.rebalance(self.groups[name])

    def crash(self, down_s: float) -> None:
        """Nothing is taken and nothing handed out until it is up again; what is in it stays."""
        self.world.tell("log", f"DOWN for {down_s:.3f} s")
        self.up_at_s = self.world.loop.seconds + down_s
        self.world.later(down_s + 0.001, self._wake_all)

    def _wake_all(self) -> None:
        for group in self.groups.values():
            for member in group.members.values():
                member.wake()

    def send(self, topic: str, key: str, value: bytes | None, headers: Headers, life: Life) -> None:
        """Hand a message over; it is in the log a little later."""
        where = (topic, partition_of(key, PARTITIONS))
        plan, delays = self.world.plan, self.world.random("log delay")
        now_s = self.world.loop.seconds
        at_s = max(now_s + delays.uniform(0.0005, 0.003), self._order_s.get(where, 0.0) + 1e-6, self.up_at_s)
        if self.world.happens("message late", plan.delay):
            at_s += delays.uniform(0.01, 2.0)  # those behind it overtake it
        else:
            self._order_s[where] = at_s
        if self.world.happens("message lost", plan.lose):
            return
        copies = 2 if self.world.happens("message doubled", plan.double) else 1
        for _ in range(copies):
            self.world.later(at_s - now_s, self._append, where, key, value, headers, life)
            at_s += delays.uniform(0.0005, 0.5)

    def _append(
        self, where: TopicPartition, key: str, value: bytes | None, headers: Headers, life: Life
    ) -> None:
        if life.dead and self.world.happens("message lost with its sender", 0.5):
            return
        messages = self.partitions.setdefault(where, [])
        messages.append(
            RawMessage(
                topic=where[0],
                partition=where[1],
                offset=len(messages),
                key=key.encode(),
                value=value,
                headers=headers,
            )
        )
        for group in self.groups.values():
            owner = group.owners.get(where)
            if owner is not None:
                group.members[owner].wake()


class SimulatedProducer:
    """The process's one producer, as the roles know it."""

    def __init__(self, log: Log, life: Life) -> None:
        self._log = log
        self._life = life

    def send(self, topic: str, key: str, value: bytes | None, headers: Headers) -> None:
        if not self._life.dead:
            self._log.send(topic, key, value, headers, self._life)
