"""Publishes for many reconciliations at once: who comes while a batch is under way goes with the next one.

Publishers take turns, and a turn costs a confirmation by the topic. One by one, a thousand strategies would wait for a
thousand turns.
"""

import asyncio

from hedgerow.ledger.strategies import ResourceId
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow.streams.publisher import Publication, PublicationRefused, Wanted, publish_all
from hedgerow.streams.sender import Sender
from hedgerow_operator.ledger_side import LedgerSide

_Answer = asyncio.Future[Publication | PublicationRefused]


class Publishing:
    """See the module."""

    def __init__(self, ledger: LedgerSide, sender: Sender) -> None:
        self._ledger, self._sender = ledger, sender
        self._waiting: list[tuple[Wanted, _Answer]] = []
        self._turn = asyncio.Lock()

    async def publish(self, config: CompiledStrategy, resource: ResourceId) -> Publication:
        """Make this config the strategy's current generation.

        Raises:
            LegConflict, PositionOpen, DeclaredElsewhere: the ledger refused it and nothing changed.
            LedgerUnreachable, KafkaUnreachable: to be tried again.
        """
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((Wanted(config=config, resource=resource), answer))
        async with self._turn:
            if not answer.done():
                await self._publish_waiting()
        outcome = await answer
        if isinstance(outcome, Publication):
            return outcome
        raise outcome

    async def _publish_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            async with self._ledger.connection() as connection:
                outcomes = await publish_all(connection, self._sender, [wanted for wanted, _ in batch])
        except Exception as error:
            for _, answer in batch:
                answer.set_exception(error)
        else:
            for (_, answer), outcome in zip(batch, outcomes, strict=True):
                answer.set_result(outcome)
