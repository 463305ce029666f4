"""One operator for the module's tests; each test has a namespace of its own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from operator_desk import Desk, Kube, Operator

NAMESPACES = 16


def operator_environment(kubeconfig: Path, kafka: str, dsn: str, namespaces: list[str]) -> dict[str, str]:
    return {
        "KUBECONFIG": str(kubeconfig),
        "HEDGEROW_KAFKA": kafka,
        "HEDGEROW_LEDGER_DSN": dsn,
        "HEDGEROW_WATCH_NAMESPACES": ",".join(namespaces),
        "HEDGEROW_EXECUTOR_IMAGE": "hedgerow:test",
    }


@pytest.fixture(scope="module")
def desks(
    kube_apiserver: Path, kafka: str, module_ledger_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Iterator[Desk]]:
    """Desks, one after the other, that one operator serves."""
    mark = uuid.uuid4().hex[:8]
    kubes = [Kube(kube_apiserver, f"desk-{mark}-{number}") for number in range(NAMESPACES)]
    for kube in kubes:
        kube.create_namespace()
    environment = operator_environment(
        kube_apiserver, kafka, module_ledger_dsn, [kube.namespace for kube in kubes]
    )
    operator = Operator(environment, tmp_path_factory.mktemp("operator") / "operator.log")
    operator.start()
    try:
        operator.wait_ready()
        yield iter([Desk(kube, kafka, module_ledger_dsn, operator) for kube in kubes])
    finally:
        operator.stop()


@pytest.fixture
def desk(desks: Iterator[Desk]) -> Desk:
    return next(desks)


@pytest.fixture
def own_desk(
    kube_apiserver: Path, kafka: str, ledger_dsn: str, tmp_path: Path
) -> Iterator[Callable[..., Desk]]:
    """Call it for a desk whose operator is this test's alone and is not started yet."""
    kube = Kube(kube_apiserver, f"desk-{uuid.uuid4().hex[:8]}")
    kube.create_namespace()
    operators = []

    def make(**settings: str) -> Desk:
        environment = operator_environment(kube_apiserver, kafka, ledger_dsn, [kube.namespace]) | settings
        operator = Operator(environment, tmp_path / f"operator-{len(operators)}.log")
        operators.append(operator)
        return Desk(kube, kafka, ledger_dsn, operator)

    yield make
    for operator in operators:
        operator.stop()
