"""The rows of `hedgerow top`: each strategy against each of its rules, decided on as hedging would. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from hedgerow.cli.names import age
from hedgerow.domain.money import ZERO, plain
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hold
from hedgerow.hedging.exposure import known_exposure
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.overview import Overview
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import Rule

NO_RISK_STATE = "NoRiskState"
OUTSIDE_BAND = "OutsideBand"
HEADERS = (
    "Strategy", "Mode", "State", "Exposure", "Net", "Lower", "Upper", "Is", "Hedge", "Open", "Sent/min", "Risk",
)  # fmt: skip


class BoardRow(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy and one rule of its policy; quantities in units of the underlying, None while risk does not know
    them.

    Attributes:
        state: why it holds (a `HoldReason`), `OutsideBand` when it would hedge, `NoRiskState`; detail: in words.
        excess: how far outside the band, signed; 0 inside.
        hedge: what the strategy's own positions offset.
        open_intents, unknown_intents: of the whole strategy; the second are among the first.
        sent_last_minute: orders of the whole strategy.
        risk_age_s: of the newest risk state, in seconds.
    """

    strategy: str
    mode: str
    state: str
    detail: str
    underlying: str
    net: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    excess: Decimal | None
    hedge: Decimal
    open_intents: int
    unknown_intents: int
    sent_last_minute: int
    risk_age_s: float | None


def board(overview: Overview, risks: Mapping[str, RiskState]) -> list[BoardRow]:
    """Every live strategy by key, with its rules as declared."""
    return [
        row
        for ledger in overview.strategies
        for row in _rows(
            ledger,
            _own(risks.get(ledger.config.key), ledger),
            overview.sent_last_minute.get(ledger.strategy_uid, 0),
        )
    ]


def _own(risk: RiskState | None, ledger: LedgerSnapshot) -> RiskState | None:
    """A risk state of an earlier strategy of this name says nothing about this one."""
    return risk if risk is not None and risk.uid == ledger.strategy_uid else None


def _rows(ledger: LedgerSnapshot, risk: RiskState | None, sent: int) -> Iterator[BoardRow]:
    config = ledger.config
    state, detail = _state(ledger, risk)
    unknown = sum(intent.state is IntentState.UNKNOWN for intent in ledger.open_intents)
    for rule in config.rules:
        exposure = None if risk is None else known_exposure(rule, risk, ledger)
        yield BoardRow(
            strategy=config.key,
            mode=config.mode.value,
            state=state,
            detail=detail,
            underlying=rule.underlying,
            net=exposure.net if exposure else None,
            lower=exposure.lower if exposure else None,
            upper=exposure.upper if exposure else None,
            excess=exposure.excess if exposure else None,
            hedge=_hedge(rule, ledger),
            open_intents=len(ledger.open_intents),
            unknown_intents=unknown,
            sent_last_minute=sent,
            risk_age_s=None if risk is None else (ledger.read_ns - risk.time_ns) / 1e9,
        )


def _state(ledger: LedgerSnapshot, risk: RiskState | None) -> tuple[str, str]:
    if risk is None:
        return NO_RISK_STATE, "none on topic risk.state"
    decision = decide(risk, ledger)
    if isinstance(decision, Hold):
        return decision.reason.value, decision.detail
    orders = (
        f"{item.side} {plain(item.quantity)} {item.instrument} at {plain(item.limit_price)}"
        for item in decision.intents
    )
    return OUTSIDE_BAND, "; ".join(orders)


def _hedge(rule: Rule, ledger: LedgerSnapshot) -> Decimal:
    contracts = {
        leg.instrument.symbol: leg.instrument
        for leg in ledger.config.hedge_with
        if leg.instrument.underlying == rule.underlying
    }
    held = (item for item in ledger.positions if item.instrument in contracts)
    return sum((contracts[item.instrument].delta(item.quantity) for item in held), ZERO)


def board_cells(row: BoardRow) -> tuple[str, ...]:
    """One row as the table shows it; what is not known is a dash."""
    unknown = f" ({row.unknown_intents} unknown)" if row.unknown_intents else ""
    return (
        row.strategy,
        row.mode,
        row.state,
        row.underlying,
        *(_number(value) for value in (row.net, row.lower, row.upper)),
        "-" if row.excess is None else "inside" if row.excess == 0 else f"{abs(row.excess):.4f} outside",
        _number(row.hedge),
        f"{row.open_intents}{unknown}",
        str(row.sent_last_minute),
        "-" if row.risk_age_s is None else age(row.risk_age_s),
    )


def _number(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.4f}"
