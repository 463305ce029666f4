"""Reads `risk.state` from where the session began, as a bystander: no group, no commits."""

from confluent_kafka import Consumer, TopicPartition

from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import RISK_STATE
from hedgerow_local.exposure import RiskSample

ANSWER_TIMEOUT_S = 30.0
BATCH = 500
POLL_S = 0.05


class RiskFeed:
    """Collects the usable risk states of a session.

    Raises:
        KafkaException: the server does not answer when the feed is made.
    """

    def __init__(self, bootstrap: str, since_ns: int) -> None:
        self.samples: list[RiskSample] = []
        self._decoder: Decoder[RiskState] = Decoder(RiskState)
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "hedgerow-local-demo",  # required by the client; nothing is ever committed
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        topic = self._consumer.list_topics(RISK_STATE.name, timeout=ANSWER_TIMEOUT_S).topics[RISK_STATE.name]
        begin = [
            TopicPartition(RISK_STATE.name, number, since_ns // 1_000_000) for number in topic.partitions
        ]
        self._consumer.assign(self._consumer.offsets_for_times(begin, timeout=ANSWER_TIMEOUT_S))

    def drain(self) -> None:
        """Take up everything that is there."""
        full = True
        while full:
            messages = self._consumer.consume(BATCH, timeout=POLL_S)
            for message in messages:
                if message.error() is None:
                    self._take(self._decoder.decode(message.value()))
            full = len(messages) == BATCH

    def newest(self, uid: str, underlying: str) -> RiskSample | None:
        """The last sample of a strategy's underlying; None before the first."""
        of_key = (s for s in reversed(self.samples) if (s.uid, s.underlying) == (uid, underlying))
        return next(of_key, None)

    def close(self) -> None:
        self._consumer.close()

    def _take(self, state: RiskState) -> None:
        if not state.ready:
            return
        self.samples += [
            RiskSample(
                strategy=state.strategy,
                uid=state.uid,
                generation=state.generation,
                underlying=exposure.underlying,
                time_ns=state.time_ns,
                delta=exposure.delta,
                mark=exposure.mark,
            )
            for exposure in state.exposures
        ]
