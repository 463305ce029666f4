"""The loop around `decide`: newest risk state and ledger in, one committed decision out."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import prometheus_client
import structlog

from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Decision, Hedge, Hold
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.hedging.standing import state_of
from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable
from hedgerow.ledger.decisions import Committed, Trace
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import HedgeDecided, StrategyState
from hedgerow.schemas.topics import HEDGE_DECISIONS, STRATEGY_STATUS
from hedgerow.streams import trace
from hedgerow.streams.context import Context
from hedgerow.streams.metrics import worker_metrics
from hedgerow.streams.processor import RawMessage, bury
from hedgerow.streams.steps import reached
from hedgerow.streams.waiting import set_within
from hedgerow_hedging.decision_ledger import DecisionLedger, open_decision_ledger
from hedgerow_hedging.newest import Newest, NewestRisk
from hedgerow_hedging.strategy_metrics import StrategyMetrics, View

_log = structlog.get_logger()
RETRY_S = 0.5
IDLE_S = 1.0

OpenLedger = Callable[[str], Awaitable[DecisionLedger]]


class Deciding:
    """Decides each dirty strategy, one after the other, until told to stop."""

    def __init__(
        self,
        context: Context,
        newest: NewestRisk,
        open_ledger: OpenLedger = open_decision_ledger,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._context = context
        self._newest = newest
        self._open_ledger = open_ledger
        self._now_ns = now_ns
        self._ledger: DecisionLedger | None = None
        self._wake_ns: dict[str, int] = {}
        self._last_hold: dict[str, str] = {}
        self._reported: dict[str, tuple[str, int, str]] = {}
        self._decisions = prometheus_client.Counter(
            "hedgerow_decisions_total",
            "Decisions by outcome: Hedge, Cancel, a hold's reason, or Conflict (the ledger had moved on)",
            ["outcome"],
            registry=context.metrics,
        )
        self._rungs = prometheus_client.Counter(
            "hedgerow_escalation_orders_total",
            "Orders of style Escalation by their rung",
            ["rung"],
            registry=context.metrics,
        )
        self._cancels = prometheus_client.Counter(
            "hedgerow_cancels_decided_total",
            "Resting orders that were taken back, by reason",
            ["reason"],
            registry=context.metrics,
        )
        self._shown = StrategyMetrics()
        context.metrics.register(self._shown)

    async def run(self) -> None:
        """Until `context.stopping`: a ledger that cannot be reached is waited for, and said."""
        try:
            while not self._context.stopping.is_set():
                await self._wait_for_work()
                await self._decide_dirty()
        finally:
            if self._ledger is not None:
                await self._ledger.close()

    async def _wait_for_work(self) -> None:
        now_ns = self._now_ns()
        due_ns = min(self._wake_ns.values(), default=now_ns + int(IDLE_S * 1e9))
        timeout_s = min((due_ns - now_ns) / 1e9, IDLE_S)
        await set_within(self._newest.wake, timeout_s)
        self._newest.wake.clear()
        self._forget_gone()
        now_ns = self._now_ns()
        for strategy in [key for key, wake_ns in self._wake_ns.items() if wake_ns <= now_ns]:
            del self._wake_ns[strategy]
            self._newest.touch(strategy, new_input=False)

    def _forget_gone(self) -> None:
        # A strategy that comes back is reported anew: another worker may have reported it meanwhile.
        while self._newest.gone:
            strategy = self._newest.gone.pop()
            for remembered in (self._wake_ns, self._last_hold, self._reported):
                remembered.pop(strategy, None)
            self._shown.forget(strategy)

    async def _decide_dirty(self) -> None:
        reachable = await self._connected()
        if reachable is None:
            return
        while self._newest.dirty:
            self._forget_gone()
            strategy, by_input = self._newest.dirty.popitem(last=False)
            newest = self._newest.states.get(strategy)
            if newest is None:
                continue
            try:
                await self._decide(reachable, strategy, newest, by_input)
            except LEDGER_LOST as error:
                self._newest.touch(strategy, new_input=by_input)
                await self._lose_ledger(error)
                return

    async def _decide(self, reachable: DecisionLedger, strategy: str, newest: Newest, by_input: bool) -> None:
        ledger = await reachable.read(newest.risk.uid, self._now_ns())
        if ledger is None:
            return
        try:
            decision = decide(newest.risk, ledger)
        except Exception as error:  # whatever a risk state makes the decision raise, the state is to blame
            self._bury(strategy, newest, error)
            return
        self._report_state(strategy, ledger, decision)
        self._shown.show(strategy, View(risk=newest.risk, ledger=ledger, decision=decision))
        if isinstance(decision, Hold):
            self._hold(strategy, decision)
            return
        reached("hedging.before-commit")
        committed = await reachable.commit(newest.risk, ledger, decision, _trace(newest, ledger, by_input))
        if committed is None:
            self._decisions.labels("Conflict").inc()
            _log.info("decision lost the race", strategy=strategy, version=ledger.version)
            self._newest.touch(strategy, new_input=by_input)
            return
        reached("hedging.after-commit")
        self._count_cancels(strategy, decision)
        if decision.intents:
            self._announce(strategy, ledger, decision, committed, newest)
        else:
            # Only taken back or remembered: what comes next is decided on the ledger as it is now.
            self._newest.touch(strategy, new_input=False)

    def _bury(self, strategy: str, newest: Newest, error: Exception) -> None:
        """The strategy waits for its next risk state; the others go on."""
        incoming = newest.incoming
        message = RawMessage(
            topic=incoming.topic,
            partition=incoming.partition,
            offset=incoming.offset,
            key=None if incoming.key is None else incoming.key.encode(),
            value=incoming.value,
            headers=incoming.headers,
        )
        bury(self._context.producer, self._context.role, message, error, self._now_ns())
        worker_metrics(self._context.metrics).dead.labels(self._context.role, incoming.topic).inc()
        self._newest.drop(strategy, newest)

    def _report_state(self, strategy: str, ledger: LedgerSnapshot, decision: Decision) -> None:
        """Tell the world where the strategy stands, when that is news."""
        state = state_of(decision, ledger.policy_state)
        standing = (ledger.strategy_uid, ledger.generation, state)
        if state is None or self._reported.get(strategy) == standing:
            return
        self._reported[strategy] = standing
        record = StrategyState(
            strategy=strategy,
            uid=ledger.strategy_uid,
            generation=ledger.generation,
            state=state,
            detail=decision.detail if isinstance(decision, Hold) else "a hedge was decided",
            since_ns=ledger.read_ns,
        )
        headers = trace.start(f"state:{strategy}", ledger.read_ns)
        self._context.producer.send(STRATEGY_STATUS.name, f"{strategy}/state", encode(record), headers)

    def _hold(self, strategy: str, hold: Hold) -> None:
        self._decisions.labels(hold.reason.value).inc()
        if hold.wake_ns is not None:
            self._wake_ns[strategy] = hold.wake_ns
        if self._last_hold.get(strategy) != hold.reason:
            _log.info("holding", strategy=strategy, reason=hold.reason, detail=hold.detail)
        self._last_hold[strategy] = hold.reason

    def _count_cancels(self, strategy: str, hedge: Hedge) -> None:
        for cancel in hedge.cancels:
            self._decisions.labels("Cancel").inc()
            self._cancels.labels(cancel.reason.value).inc()
            _log.info(
                "cancel decided",
                strategy=strategy,
                intent=cancel.intent,
                reason=cancel.reason,
                detail=cancel.detail,
            )

    def _announce(
        self, strategy: str, ledger: LedgerSnapshot, hedge: Hedge, committed: Committed, newest: Newest
    ) -> None:
        self._decisions.labels("Hedge").inc()
        self._last_hold.pop(strategy, None)
        for intent, leg in zip(committed.intents, hedge.intents, strict=True):
            if leg.rung is not None:
                self._rungs.labels(leg.rung.value).inc()
            _log.info(
                "hedge decided",
                strategy=strategy,
                intent=intent,
                side=leg.side,
                quantity=str(leg.quantity),
                price=str(leg.limit_price),
                rung=leg.rung,
                delta=str(leg.delta),
                trace_id=trace.trace_id(newest.incoming.headers),
            )
        record = HedgeDecided(
            strategy=strategy,
            uid=ledger.strategy_uid,
            decision=committed.decision,
            intents=committed.intents,
            decided_ns=ledger.read_ns,
        )
        headers = trace.carry(newest.incoming.headers, "decided", ledger.read_ns)
        self._context.producer.send(HEDGE_DECISIONS.name, strategy, encode(record), headers)

    async def _connected(self) -> DecisionLedger | None:
        if self._ledger is not None:
            return self._ledger
        try:
            self._ledger = await self._open_ledger(self._context.settings.ledger_dsn)
        except LedgerUnreachable as error:
            await self._lose_ledger(error)
            return None
        self._context.readiness.set("ledger", True)
        return self._ledger

    async def _lose_ledger(self, error: Exception) -> None:
        # Nothing is decided without the ledger; the newest states wait here and are decided when it is back.
        _log.warning("ledger away", error=str(error) or type(error).__name__, retry_s=RETRY_S)
        self._context.readiness.set("ledger", False, str(error) or type(error).__name__, outage=True)
        if self._ledger is not None:
            self._ledger.terminate()
            self._ledger = None
        self._newest.wake.set()
        await asyncio.sleep(RETRY_S)


def _trace(newest: Newest, ledger: LedgerSnapshot, by_input: bool) -> Trace:
    """A wake-up was caused by no input: it keeps the trace, but not the time of receipt."""
    headers = newest.incoming.headers
    stages = trace.carry(
        trace.carry(headers, "hedging", newest.incoming.received_ns), "decided", ledger.read_ns
    )
    return Trace(
        cause=trace.read_cause(headers) if by_input else "wake",
        stages=trace.as_text(stages[trace.STAGES]) if by_input else f"decided={ledger.read_ns}",
        traceparent=trace.as_text(stages[trace.TRACEPARENT]),
    )


async def run(context: Context, newest: NewestRisk) -> None:
    """Hedging's background task."""
    context.readiness.set("ledger", False, "not connected yet", outage=True)
    await Deciding(context, newest).run()
