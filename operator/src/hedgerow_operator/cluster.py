"""The API server, as far as the operator speaks to it: list, apply, create, delete. Every request is counted.

The watches are kopf's. Requests go through the blocking client of the `kubernetes` package, in threads.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec
import urllib3.exceptions
from kubernetes import config as kube_config
from kubernetes.client import ApiClient, Configuration
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ConflictError, DynamicApiError, NotFoundError
from kubernetes.dynamic.resource import Resource

from hedgerow_operator.kinds import Kind, Object
from hedgerow_operator.metrics import Metrics

FIELD_MANAGER = "hedgerow-operator"
THREADS = 16
TIMEOUT_S = 15.0
PAGE = 500


class ClusterUnreachable(ConnectionError):
    """The API server did not answer, or refused a request for a reason that may pass; the message says which."""


class Gone(LookupError):
    """The object is not there any more, or another one of its name is."""


class Cluster:
    """See the module. Objects go in and come out as plain dicts."""

    def __init__(self, api: ApiClient, metrics: Metrics) -> None:
        self._client = DynamicClient(api, discoverer=lambda *_: None)
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="kubernetes")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def served(self, group_version: str) -> set[str]:
        """Plural names of what the API server serves of a group; empty when it does not know the group."""
        try:
            found = await self._ask("discover", group_version, partial(self._get, f"/apis/{group_version}"))
        except Gone:
            return set()
        return {item["name"] for item in found["resources"]}

    async def get(self, kind: Kind, name: str) -> Object:
        """An object that is in no namespace.

        Raises:
            Gone: there is none of this name.
        """
        path = f"/{'apis' if kind.group else 'api'}/{kind.api_version}/{kind.plural}/{name}"
        found: Object = await self._ask("get", kind.plural, partial(self._get, path))
        return found

    async def list(self, kind: Kind, namespaces: Iterable[str], labels: str | None = None) -> list[Object]:
        """All objects of a kind; no namespaces means all of them."""
        found: list[Object] = []
        every: list[str | None] = [*namespaces] or [None]
        for namespace in every:
            proceed: str | None = None
            while True:
                page = await self._ask(
                    "list", kind.plural, partial(self._list_page, kind, namespace, labels, proceed)
                )
                # The API server leaves both out of a list's items.
                found += [
                    {"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in page["items"]
                ]
                proceed = page["metadata"].get("continue") or None
                if proceed is None:
                    break
        return found

    async def apply(self, kind: Kind, body: Object, subresource: str | None = None) -> Object:
        """Server-side apply: what `body` says is ours from now on. Returns the whole object.

        Raises:
            Gone: the body names a uid, and there is no such object any more.
        """
        verb = f"apply {subresource}" if subresource else "apply"
        applied: Object = await self._ask(verb, kind.plural, partial(self._apply, kind, body, subresource))
        return applied

    async def create(self, kind: Kind, body: Object) -> Object | None:
        """Create; None when there is one of this name already."""
        try:
            created: Object = await self._ask("create", kind.plural, partial(self._create, kind, body))
        except Gone:
            return None
        return created

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete; nothing happens when it is not there."""
        try:
            await self._ask("delete", kind.plural, partial(self._delete, kind, namespace, name))
        except Gone:
            return

    async def _ask(self, verb: str, plural: str, call: Callable[[], Any]) -> Any:
        self._metrics.requests.labels(verb, plural).inc()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, call)
        except (NotFoundError, ConflictError) as error:
            raise Gone(_reason(error)) from None
        except DynamicApiError as error:
            raise ClusterUnreachable(
                f"the API server refused to {verb} {plural}: {_reason(error)}"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnreachable(f"the API server did not answer: {error}") from error

    def _resource(self, kind: Kind, subresource: str | None = None) -> Any:
        resource = Resource(
            prefix="apis" if kind.group else "api",
            group=kind.group or None,
            api_version=kind.version,
            kind=kind.kind,
            name=kind.plural,
            namespaced=True,
            client=self._client,
            subresources={
                subresource: {"name": f"{kind.plural}/{subresource}", "namespaced": True, "kind": kind.kind}
            }
            if subresource
            else None,
        )
        return resource.subresources[subresource] if subresource else resource

    def _get(self, path: str) -> Any:
        return self._client.request("get", path, serializer=_plain, _request_timeout=TIMEOUT_S)

    def _list_page(self, kind: Kind, namespace: str | None, labels: str | None, proceed: str | None) -> Any:
        return self._client.get(
            self._resource(kind),
            namespace=namespace,
            label_selector=labels,
            limit=PAGE,
            _continue=proceed,
            serializer=_plain,
            _request_timeout=TIMEOUT_S,
        )

    def _apply(self, kind: Kind, body: Object, subresource: str | None) -> Any:
        return self._client.server_side_apply(
            self._resource(kind, subresource),
            body=body,
            force_conflicts=True,
            field_manager=FIELD_MANAGER,
            serializer=_plain,
            _request_timeout=TIMEOUT_S,
        )

    def _create(self, kind: Kind, body: Object) -> Any:
        return self._client.create(
            self._resource(kind),
            body=body,
            serializer=_plain,
            field_manager=FIELD_MANAGER,
            _request_timeout=TIMEOUT_S,
        )

    def _delete(self, kind: Kind, namespace: str, name: str) -> Any:
        return self._client.delete(
            self._resource(kind),
            name=name,
            namespace=namespace,
            serializer=_plain,
            _request_timeout=TIMEOUT_S,
        )


def connect_cluster() -> ApiClient:
    """As the pod's service account, or as the kubeconfig says.

    Raises:
        kubernetes.config.ConfigException: there is neither.
    """
    kube_config.load_config()
    configuration = Configuration.get_default_copy()
    # One for each thread: what is more would be thrown away after each request, and TLS begun anew.
    configuration.connection_pool_maxsize = THREADS
    return ApiClient(configuration)


def _plain(_client: DynamicClient, data: Any) -> Any:
    return data


def _reason(error: DynamicApiError) -> str:
    try:
        return str(msgspec.json.decode(error.body or "")["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"{error.status} {error.reason}"
