"""A client of the session's API server."""

from pathlib import Path

import pytest
from cluster_client import ClusterClient


@pytest.fixture(scope="session")
def cluster(kube_apiserver: Path) -> ClusterClient:
    return ClusterClient(kube_apiserver)
