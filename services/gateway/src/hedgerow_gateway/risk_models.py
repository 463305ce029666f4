"""The newest risk states as the API speaks of them."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from hedgerow.schemas.records import StrategySummary
from hedgerow.schemas.risk_state import RiskState
from hedgerow_gateway.fields import Shown, ShownTime


class Source(StrEnum):
    """Where an answer is from: the cache, or, when it has none, the stream or the ledger themselves."""

    CACHE = "cache"
    STREAM = "stream"
    LEDGER = "ledger"


class ExposureAnswer(BaseModel):
    """Unhedged net delta of one underlying."""

    underlying: str
    delta: Annotated[Shown, Field(description="in units of the underlying")]
    mark: Shown
    notional: Shown


class RiskStateAnswer(BaseModel):
    """What risk sees of a strategy, before its hedge."""

    generation: int
    ready: bool
    problems: Annotated[list[str], Field(description="why it is not ready")]
    exposures: list[ExposureAnswer]
    as_of: ShownTime
    source: Source


class HedgeAnswer(BaseModel):
    """What the ledger has of a strategy: its own hedge, what is open, what stands against it."""

    generation: int
    mode: str
    positions: Annotated[dict[str, Shown], Field(description="signed contracts by unified symbol")]
    open_intents: int
    halts: list[str]
    as_of: ShownTime
    source: Source


class StrategyAnswer(BaseModel):
    """One live strategy."""

    strategy: Annotated[str, Field(examples=["default/btc-band"])]
    risk: Annotated[RiskStateAnswer | None, Field(description="null: risk said nothing lately")]
    hedge: HedgeAnswer | None
    problem: Annotated[str | None, Field(description="why something is null")]


def risk_answer(state: RiskState, source: Source) -> RiskStateAnswer:
    return RiskStateAnswer(
        generation=state.generation,
        ready=state.ready,
        problems=[f"{item.input}: {item.code}: {item.detail}" for item in state.problems],
        exposures=[
            ExposureAnswer(
                underlying=item.underlying, delta=item.delta, mark=item.mark, notional=item.notional
            )
            for item in state.exposures
        ],
        as_of=state.time_ns,
        source=source,
    )


def hedge_answer(summary: StrategySummary, source: Source) -> HedgeAnswer:
    return HedgeAnswer(
        generation=summary.generation,
        mode=summary.mode,
        positions=summary.positions,
        open_intents=summary.open_intents,
        halts=list(summary.halts),
        as_of=summary.time_ns,
        source=source,
    )
