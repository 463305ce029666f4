"""The masters of a Redis Cluster, each asked by itself: one that is dead or slow costs only its own keys.

redis-py's cluster client groups a pipeline by master too, but fails the whole of it, after seconds of trying, when
one master is away.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import MovedError, RedisError

from hedgerow.adapters.redis_access import redis_options

PATIENCE_S = 0.5
REST_S = 0.5

Address = tuple[str, int]


class CacheAway(Exception):
    """No master, or not this one, can be used now; the message says which and why."""


class Master:
    """One master and the connections to it. After a failure it is left in peace for a moment."""

    def __init__(self, address: Address, patience_s: float, options: Mapping[str, Any]) -> None:
        self.address = address
        # Any, because some of the client's methods have no types.
        self.client: Any = Redis(
            host=address[0],
            port=address[1],
            socket_timeout=patience_s,
            socket_connect_timeout=patience_s,
            # Who waits for an answer has another source; nobody waits for a second try.
            retry=Retry(NoBackoff(), 0),
            **options,
        )
        self.problem = ""
        self._rests_until = 0.0

    @property
    def name(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    @property
    def rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def failed(self, error: Exception) -> None:
        self.problem = f"Redis master {self.name} does not answer: {error or type(error).__name__}"
        self._rests_until = time.monotonic() + REST_S

    def answered(self) -> None:
        self.problem = ""


class Masters:
    """Which master has which key.

    Args:
        nodes: some nodes of the cluster, `host:port[,host:port]`; the others are found through them.
        patience_s: how long an answer may take before its master counts as away.
    """

    def __init__(self, nodes: str, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._seeds = parse_nodes(nodes)
        self._options = redis_options()
        self._masters: dict[Address, Master] = {}
        self._ranges: list[tuple[int, int, Master]] | None = None
        self._rests_until = 0.0

    async def group(self, keys: Iterable[str]) -> dict[Master, list[str]]:
        """The keys by the master that has them; those of a slot that nobody serves are left out.

        Raises:
            CacheAway: no node tells where the slots are.
        """
        if self._ranges is None:
            await self._learn()
        assert self._ranges is not None
        groups: dict[Master, list[str]] = {}
        unserved = False
        for key in keys:
            slot = key_slot(key.encode())
            for first, last, master in self._ranges:
                if first <= slot <= last:
                    groups.setdefault(master, []).append(key)
                    break
            else:
                unserved = True
        if unserved:
            # A cluster that is still coming up gives its slots away one after the other.
            self.forget()
        return groups

    async def get(self, keys: Collection[str]) -> tuple[dict[str, bytes], list[str]]:
        """What is at these different keys, and why some of it may be missing: nothing is raised, whatever is away."""
        try:
            groups = await self.group(keys)
        except CacheAway as error:
            return {}, [str(error)]
        values: dict[str, bytes] = {}
        problems = [] if sum(map(len, groups.values())) == len(keys) else ["some slots have no master"]
        for found, problem in await asyncio.gather(*(self.get_at(*group) for group in groups.items())):
            values |= found
            problems += [problem] if problem else []
        return values, problems

    async def get_at(self, master: Master, keys: Sequence[str]) -> tuple[dict[str, bytes], str]:
        """What this master has at these of its keys, and why it does not tell, empty when it did."""
        if master.rests:
            return {}, master.problem
        pipeline = master.client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        try:
            values = await pipeline.execute()
        except (RedisError, OSError) as error:
            self.failed(master, error)
            return {}, master.problem or str(error)
        master.answered()
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}, ""

    def forget(self) -> None:
        """The map may be wrong: it is learned anew when it is next needed."""
        self._ranges = None

    def failed(self, master: Master, error: Exception) -> None:
        """A command failed there: another master may have its slots by now."""
        if not isinstance(error, MovedError):
            master.failed(error)
        self.forget()

    def known(self) -> list[Master]:
        """The masters of the map as it was last learned."""
        return list(self._masters.values())

    async def close(self) -> None:
        for master in self._masters.values():
            await master.client.aclose()

    async def _learn(self) -> None:
        if time.monotonic() < self._rests_until:
            raise CacheAway(self._nobody("tried a moment ago"))
        problem = ""
        # First those that answered: one that hangs would let everybody wait.
        known = sorted(self._masters.values(), key=lambda master: bool(master.problem))
        for address in dict.fromkeys([*(master.address for master in known), *self._seeds]):
            # Not a master's own connections: a node may be a replica, or gone for good.
            node = Master(address, self._patience_s, self._options)
            try:
                rows = await node.client.execute_command("CLUSTER SLOTS")
            except (RedisError, OSError) as error:
                problem = str(error) or type(error).__name__
                continue
            finally:
                await node.client.aclose()
            await self._take(read_slots(rows, address[0]))
            return
        self._rests_until = time.monotonic() + REST_S
        raise CacheAway(self._nobody(problem))

    async def _take(self, ranges: Sequence[tuple[int, int, Address]]) -> None:
        masters = {
            address: self._masters.get(address) or Master(address, self._patience_s, self._options)
            for _, _, address in ranges
        }
        for address in self._masters.keys() - masters.keys():
            await self._masters[address].client.aclose()
        self._masters = masters
        self._ranges = [(first, last, masters[address]) for first, last, address in ranges]

    def _nobody(self, problem: str) -> str:
        nodes = ", ".join(f"{host}:{port}" for host, port in self._seeds)
        return f"no node of the Redis Cluster at {nodes} answers: {problem}"


def parse_nodes(nodes: str) -> tuple[Address, ...]:
    """`host:port[,host:port]` as addresses.

    Raises:
        ValueError: it is something else.
    """
    found = []
    for node in nodes.split(","):
        host, _, port = node.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"{nodes!r} should be host:port[,host:port], the nodes of a Redis Cluster")
        found.append((host.strip("[]"), int(port)))
    return tuple(found)


def read_slots(rows: Any, asked: str) -> list[tuple[int, int, Address]]:
    """The answer to CLUSTER SLOTS: first slot, last slot, address of the master. One that does not know its own
    host is where it was asked."""
    found = []
    for first, last, master, *_ in rows:
        host = (master[0] or b"").decode() or asked
        found.append((int(first), int(last), (host, int(master[1]))))
    return found
