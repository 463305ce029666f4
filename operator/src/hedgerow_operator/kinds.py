"""The kinds of object that the operator works with."""

from typing import Any

import msgspec

Object = dict[str, Any]
GROUP_VERSION = "hedgerow.dev/v1alpha1"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of object; `group` is empty for the core's."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


STRATEGY = Kind(group="hedgerow.dev", version="v1alpha1", kind="HedgeStrategy", plural="hedgestrategies")
VENUE = Kind(group="hedgerow.dev", version="v1alpha1", kind="Venue", plural="venues")
HALT = Kind(group="hedgerow.dev", version="v1alpha1", kind="Halt", plural="halts")
SECRET = Kind(group="", version="v1", kind="Secret", plural="secrets")
EVENT = Kind(group="", version="v1", kind="Event", plural="events")
NAMESPACE = Kind(group="", version="v1", kind="Namespace", plural="namespaces")
DEPLOYMENT = Kind(group="apps", version="v1", kind="Deployment", plural="deployments")
REVISION = Kind(group="apps", version="v1", kind="ControllerRevision", plural="controllerrevisions")


def key_of(body: Object) -> str:
    """`namespace/name`."""
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"
