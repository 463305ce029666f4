"""The operator holds nothing of its own: killed anywhere, it brings everything to what the resources say."""

from collections.abc import Callable

from confluent_kafka import Producer
from operator_desk import Desk, eventually
from topic_contents import newest_by_key

from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import STRATEGIES

KIND = "HedgeStrategy"
NAMES = ("a", "b", "c")
KILLS = 5


def drift(desk: Desk) -> list[str]:
    """Where ledger, topic and resources differ."""
    declared = {item["metadata"]["name"]: item for item in desk.kube.all_of(KIND)}
    topic = newest_by_key(desk.kafka, STRATEGIES.name, StrategyPublished)
    found = []
    for name in NAMES:
        live, sent = desk.live(name), topic.get(desk.key(name))
        if live != sent:
            found.append(f"{name}: the ledger has {live}, the topic {sent}")
        resource = declared.get(name)
        if (live is None) != (resource is None):
            found.append(f"{name}: declared {resource is not None}, live {live is not None}")
        elif live is not None and resource is not None:
            upper = resource["spec"]["policy"]["band"][0]["upper"]
            if (str(live.config.bands[0].upper), live.uid) != (upper, resource["metadata"]["uid"]):
                found.append(f"{name}: declared {upper}, live {live.config.bands[0].upper}")
    return found


def test_killed_in_churn_nothing_drifts(own_desk: Callable[..., Desk]) -> None:
    desk = own_desk(HEDGEROW_RESYNC="5s")
    desk.operator.start()
    for name in NAMES:
        desk.venue(name)
    for number in range(KILLS):
        for offset, name in enumerate(NAMES):
            leg = {"venueRef": {"name": name}, "instrument": "BTC/USDT:USDT", "priority": 1}
            desk.strategy(name, upper=str(25000 + 100 * number + offset), hedgeWith=[leg])
        eventually("it is at work", lambda: any(desk.live(name) for name in NAMES))
        desk.operator.kill()
        gone = NAMES[number % len(NAMES)]
        desk.kube.delete(KIND, gone)
        desk.operator.start()
        desk.kube.wait_gone(KIND, gone)
    try:
        eventually("no drift", lambda: not drift(desk))
    except AssertionError as error:
        raise AssertionError(f"{error}: {drift(desk)}") from None


def test_what_nothing_stands_behind_is_taken_away_at_the_start(own_desk: Callable[..., Desk]) -> None:
    desk = own_desk()
    desk.operator.start()
    desk.venue("a")
    leg = {"venueRef": {"name": "a"}, "instrument": "BTC/USDT:USDT", "priority": 1}
    desk.strategy("a", hedgeWith=[leg])
    desk.kube.wait(KIND, "a", "Published", "True")
    desk.kube.apply("Halt", "drill", {"target": {"strategy": "a"}, "reason": "fire drill"})
    desk.kube.wait("Halt", "drill", "Active", "True")
    desk.operator.kill()
    # While nobody looks: the finalizer is taken off by hand, the halt goes, and a key of no strategy comes.
    desk.kube.release_finalizers(KIND, "a")
    desk.kube.delete(KIND, "a")
    desk.kube.wait_gone(KIND, "a")
    desk.kube.delete("Halt", "drill")
    live = desk.live("a")
    assert live is not None
    producer = Producer({"bootstrap.servers": desk.kafka, "partitioner": "murmur2_random"})
    producer.produce(STRATEGIES.name, b"{}", desk.key("ghost").encode())
    assert producer.flush(10) == 0
    desk.operator.start()
    eventually("withdrawn", lambda: desk.live("a") is None)
    desk.operator.wait_ready()
    assert drift(desk) == []
    assert desk.halts() == []
