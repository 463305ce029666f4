"""Quotes, positions, books and halts as the API speaks of them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hedgerow.desk.filling import QuoteFault
from hedgerow.ledger.halts import Halt
from hedgerow.schemas.records import ClientBook
from hedgerow_gateway.fields import GivenTime, Shown, ShownTime, Signed, Text


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


BookName = Annotated[
    str,
    Field(
        pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        description="as in `exposure`",
        examples=["oms"],
    ),
]


class BookRequest(BaseModel):
    """A book's absolute positions. Tell it again as a heartbeat, with a later `as_of`: it is as fresh as that."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"sequence": 42, "as_of": "2026-03-01T12:00:00.250Z", "positions": {"BTC/USDT": "-1.25"}}
            ]
        },
    )

    sequence: Annotated[int, Field(strict=True, ge=1, le=2**63 - 1, description="rises with every change")]
    as_of: Annotated[GivenTime, Field(description="when these positions held; not in the future")]
    positions: Annotated[
        dict[str, Signed],
        Field(description="signed quantity by unified symbol, in contracts; base units for spot"),
    ]


class BookAnswer(BaseModel):
    """A book as it stands."""

    name: str
    sequence: int
    as_of: ShownTime
    positions: dict[str, Shown]


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


def book_answer(book: ClientBook) -> BookAnswer:
    return BookAnswer(
        name=book.name, sequence=book.sequence, as_of=book.as_of_ns, positions=dict(book.positions)
    )


def halt_answer(halt: Halt) -> HaltAnswer:
    return HaltAnswer(
        id=halt.id,
        target=HaltTargetModel(kind=HaltKind(halt.target.kind), name=halt.target.name),
        source=halt.source,
        reason=halt.reason,
        created_ts=halt.created_ns,
    )
