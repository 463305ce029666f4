"""Helm, and the chart as it renders in each profile."""

import pytest
from kube_server import program
from rendered import PROFILES, Object, render


@pytest.fixture(scope="session")
def helm() -> str:
    return str(program("helm"))


@pytest.fixture(scope="session", params=list(PROFILES))
def objects(request: pytest.FixtureRequest, helm: str) -> list[Object]:
    """Everything that a release of this profile is made of."""
    return render(helm, *PROFILES[request.param])


@pytest.fixture(scope="session")
def dev_objects(helm: str) -> list[Object]:
    return render(helm)


@pytest.fixture(scope="session")
def prod_objects(helm: str) -> list[Object]:
    return render(helm, *PROFILES["prod"])
