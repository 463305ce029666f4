"""What no real API server does when asked to: refuse, and stumble.

kmock stands for the API server here; what the operator makes of a real one is in the other files of this folder.
"""

from collections.abc import Iterator

import kmock as mock
import pytest
from kubernetes.client import ApiClient, Configuration
from prometheus_client import CollectorRegistry

from hedgerow_operator.cluster import Cluster, ClusterUnreachable, Gone
from hedgerow_operator.kinds import STRATEGY, Object
from hedgerow_operator.metrics import Metrics, build_metrics
from hedgerow_operator.objects import with_status
from hedgerow_operator.report import Note
from hedgerow_operator.scribe import Scribe
from hedgerow_operator.world import World
from hedgerow_operator.writing import Writer

BTC: Object = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "HedgeStrategy",
    "metadata": {
        "name": "btc",
        "namespace": "desk",
        "uid": "u-1",
        "generation": 1,
        "resourceVersion": "7",
    },
    "spec": {},
}
STATUS = {"observedGeneration": 1, "conditions": []}
ONE = "/apis/hedgerow.dev/v1alpha1/namespaces/desk/hedgestrategies/btc/status"


def refusal(code: int, message: str) -> mock.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}
    return mock.Response(status=code, payload=body, headers={"Retry-After": "1"})


@pytest.fixture
def metrics() -> Metrics:
    return build_metrics(CollectorRegistry())


@pytest.fixture
def cluster(kmock: mock.RawHandler, metrics: Metrics) -> Iterator[Cluster]:
    found = Cluster(ApiClient(Configuration(host=str(kmock.url).rstrip("/"))), metrics)
    yield found
    found.close()


only_what_is_told = pytest.mark.kmock(cls=mock.RawHandler)


@only_what_is_told
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (404, Gone),
        (409, Gone),
        (403, ClusterUnreachable),
        (429, ClusterUnreachable),
        (500, ClusterUnreachable),
        (503, ClusterUnreachable),
    ],
)
async def test_a_refused_request_is_made_once_and_told_with_the_servers_words(
    kmock: mock.RawHandler, cluster: Cluster, code: int, error: type[Exception]
) -> None:
    """Trying again is the work queue's: a client that did so by itself would hide how busy the server is."""
    kmock[f"patch {ONE}"] << refusal(code, "too much at once")
    with pytest.raises(error, match="too much at once"):
        await cluster.apply(STRATEGY, with_status(BTC, STATUS), "status")
    assert len(kmock["patch"]) == 1


@only_what_is_told
async def test_a_status_is_written_until_it_is_there_and_then_not_again(
    kmock: mock.RawHandler, cluster: Cluster
) -> None:
    written = BTC | {"status": STATUS, "metadata": BTC["metadata"] | {"resourceVersion": "8"}}
    answers = iter(
        [refusal(500, "not now"), refusal(429, "not now"), mock.Response(status=200, payload=written)]
    )
    kmock[f"patch {ONE}"] << (lambda: next(answers))
    world = World()
    world.of(STRATEGY).offer(BTC)
    writer = Writer(cluster, world, Scribe(cluster))

    async def write() -> bool:
        resource = world.find(STRATEGY, "desk/btc")
        assert resource is not None
        return await writer.status(STRATEGY, resource, STATUS, [])

    for _ in range(2):
        with pytest.raises(ClusterUnreachable, match="not now"):
            await write()
        assert "status" not in (world.find(STRATEGY, "desk/btc") or {})
    assert await write()
    assert not await write()
    assert len(kmock["patch"]) == 3


@only_what_is_told
async def test_an_event_that_is_refused_holds_up_nothing(kmock: mock.RawHandler, cluster: Cluster) -> None:
    kmock["post"] << refusal(403, "the namespace is being terminated")
    await Scribe(cluster).record(BTC, Note(warning=True, reason="Invalid", message="m"))
    assert len(kmock["post"]) == 1
