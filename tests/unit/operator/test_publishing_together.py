"""Many reconciliations publish together; each gets its own answer."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

import hedge_examples as example
import msgspec
import pytest
from operator_examples import published

from hedgerow.ledger.connection import LedgerUnreachable
from hedgerow.ledger.strategies import LegConflict, ResourceId
from hedgerow.streams.publisher import Change, Publication, PublicationRefused, Wanted
from hedgerow_operator import publishing
from hedgerow_operator.publishing import Publishing

IDENTITY = ResourceId(uid=example.UID, generation=1)


class Batches:
    """Stands for ledger and topic: keeps what came together, and takes its time, so that others come meanwhile."""

    def __init__(self, *, away: bool = False) -> None:
        self.sizes: list[int] = []
        self._away = away

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        if self._away:
            raise LedgerUnreachable("away")
        yield

    async def publish_all(
        self, _connection: Any, _sender: Any, wanted: Iterable[Wanted]
    ) -> list[Publication | PublicationRefused]:
        items = list(wanted)
        self.sizes.append(len(items))
        await asyncio.sleep(0)
        return [
            LegConflict(item.config.key)
            if item.config.name == "refused"
            else Publication(change=Change.CREATED, published=published(item.config))
            for item in items
        ]


def publish_each(batches: Batches, names: list[str], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(publishing, "publish_all", batches.publish_all)

    async def run() -> list[Any]:
        together = Publishing(cast(Any, batches), cast(Any, None))
        configs = [msgspec.structs.replace(example.strategy(), name=name) for name in names]
        return await asyncio.gather(
            *(together.publish(config, IDENTITY) for config in configs), return_exceptions=True
        )

    return asyncio.run(run())


def test_who_comes_while_a_batch_is_under_way_goes_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = Batches()
    names = [f"s{number}" for number in range(9)]
    outcomes = publish_each(batches, names, monkeypatch)
    assert [outcome.published.config.name for outcome in outcomes] == names
    assert sum(batches.sizes) == len(names)
    assert len(batches.sizes) <= 2


def test_one_refusal_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = publish_each(Batches(), ["a", "refused", "b"], monkeypatch)
    assert isinstance(outcomes[1], LegConflict)
    assert [outcome.published.config.name for outcome in (outcomes[0], outcomes[2])] == ["a", "b"]


def test_an_absent_ledger_is_told_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = publish_each(Batches(away=True), ["a", "b", "c"], monkeypatch)
    assert [type(outcome) for outcome in outcomes] == [LedgerUnreachable] * 3
