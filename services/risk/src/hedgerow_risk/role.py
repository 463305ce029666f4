"""Risk as a stream role: `risk.inputs` in, `risk.state` and acknowledgements out."""

from collections.abc import Callable, Sequence

from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.records import Acknowledgement, RiskInput, StrategyInput, StrategyPublished
from hedgerow.schemas.topics import RISK_INPUTS, RISK_STATE, STRATEGY_STATUS
from hedgerow.streams.context import Context, Incoming, Outgoing, StreamRole, Subscription
from hedgerow.streams.metrics import stale_counter


class RiskStepper:
    """Risk of every partition that this worker owns. What it knows of a generation came through `risk.inputs`."""

    def __init__(self, role: str, worker: str, on_stale: Callable[[], None]) -> None:
        self._role = role
        self._worker = worker
        self._on_stale = on_stale
        self._partitions: dict[int, PartitionRisk] = {}

    def step(self, incoming: Incoming) -> Sequence[Outgoing]:
        record: RiskInput = incoming.record
        if incoming.key != record.strategy:
            raise ValueError(f"keyed {incoming.key} but it is an input of {record.strategy}")
        risk = self._partition(incoming.partition)
        before = risk.generation_of(record.strategy)
        state = risk.apply(record, incoming.offset)
        outgoing = []
        if state is not None:
            outgoing.append(Outgoing(topic=RISK_STATE.name, key=state.strategy, record=state, cause=incoming))
        if isinstance(record, StrategyInput) and risk.generation_of(record.strategy) not in (None, before):
            outgoing.append(self._acknowledgement(record, incoming))
        return outgoing

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        return ()

    def revoke(self, topic: str, partition: int) -> None:
        self._partitions.pop(partition, None)

    def strategy_changed(self, strategy: str, published: StrategyPublished | None) -> Sequence[Outgoing]:
        return ()

    def snapshot(self, partition: int) -> bytes:
        return self._partition(partition).snapshot()

    def restore(self, partition: int, state: bytes) -> None:
        self._partition(partition).restore(state)

    def _partition(self, partition: int) -> PartitionRisk:
        risk = self._partitions.get(partition)
        if risk is None:
            risk = self._partitions[partition] = PartitionRisk(self._on_stale)
        return risk

    def _acknowledgement(self, record: StrategyInput, incoming: Incoming) -> Outgoing:
        assert record.published is not None
        acknowledgement = Acknowledgement(
            strategy=record.strategy,
            role=self._role,
            worker=self._worker,
            uid=record.published.uid,
            generation=record.published.generation,
            revision=record.published.revision,
            time_ns=record.routed_ns,
        )
        key = f"{record.strategy}/{self._role}"
        return Outgoing(topic=STRATEGY_STATUS.name, key=key, record=acknowledgement, cause=incoming)


def make_stepper(context: Context) -> RiskStepper:
    return RiskStepper(context.role, context.worker, stale_counter(context.metrics, context.role))


role = StreamRole(
    name="risk",
    subscriptions=(Subscription(topic=RISK_INPUTS.name, record_type=RiskInput),),
    make_stepper=make_stepper,
    checkpointed=True,
)
