"""Quotes, positions and halts as the API speaks of them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hedgerow.desk.filling import QuoteFault
from hedgerow.ledger.halts import Halt
from hedgerow_gateway.fields import Shown, ShownTime, Text


class QuoteAnswer(BaseModel):
    """What one listing can be traded at now, in quote currency."""

    symbol: Annotated[str, Field(examples=["BTC/USDT"])]
    bid: Shown | None
    ask: Shown | None
    problem: Annotated[QuoteFault | None, Field(description="why there is no price")]
    detail: Annotated[str | None, Field(description="the problem in words, with its numbers")]


class PositionAnswer(BaseModel):
    """What the desk holds of one underlying: all books, and the hedges that were traded."""

    symbol: Annotated[str, Field(examples=["BTC/USDT"])]
    spot_qty: Annotated[Shown, Field(description="units of the underlying held in cash instruments, signed")]
    perp_qty: Annotated[Shown, Field(description="units of the underlying held in derivatives, signed")]
    usd_delta: Annotated[
        Shown | None,
        Field(description="(spot_qty + perp_qty) x mid in quote currency; null without a fresh mid"),
    ]
    problem: Annotated[str | None, Field(description="why there is no usd_delta")]


class HaltKind(StrEnum):
    ALL = "All"
    VENUE = "Venue"
    STRATEGY = "Strategy"


class HaltTargetModel(BaseModel):
    """What is halted."""

    model_config = ConfigDict(extra="forbid")

    kind: HaltKind
    name: Annotated[
        str,
        Field(max_length=127, description="namespace/name; empty with All", examples=["default/btc-band"]),
    ] = ""


class HaltRequest(BaseModel):
    """Stop every hedge of the target. When the answer comes, no order that was not yet claimed can leave."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"target": {"kind": "Strategy", "name": "default/btc-band"}, "reason": "exchange incident"}
            ]
        },
    )

    target: HaltTargetModel
    reason: Annotated[Text, Field(description="for those who find the halt later")]


class HaltAnswer(BaseModel):
    """A standing halt."""

    id: int
    target: HaltTargetModel
    source: Annotated[str, Field(examples=["rest:alice"])]
    reason: str
    created_ts: ShownTime


class ReleasedAnswer(BaseModel):
    """A halt that was released; others of the same target may still stand."""

    id: int
    status: Literal["RELEASED"] = "RELEASED"


def halt_answer(halt: Halt) -> HaltAnswer:
    return HaltAnswer(
        id=halt.id,
        target=HaltTargetModel(kind=HaltKind(halt.target.kind), name=halt.target.name),
        source=halt.source,
        reason=halt.reason,
        created_ts=halt.created_ns,
    )
