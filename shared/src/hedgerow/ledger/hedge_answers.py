"""What `POST /hedge` answered: append-only, each answer once."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec


class HedgeAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with everything that it came from, so that it can be worked out again.

    Attributes:
        score_time_ns: when the score was made; None when the caller gave it.
        version: of the curve.
    """

    id: uuid.UUID
    answered_ns: int
    caller: str
    asset: str
    amount_usd: Decimal
    score: float
    score_time_ns: int | None
    depth_usd: float
    weight: float
    hedge_fraction: float
    notional_usd: Decimal
    version: str


_FIELDS = HedgeAnswered.__struct_fields__
_INSERT = (
    f"insert into hedge_answers ({', '.join(_FIELDS)}) "
    f"values ({', '.join(f'${number}' for number in range(1, len(_FIELDS) + 1))}) on conflict (id) do nothing"
)


async def record_answers(connection: Any, answers: Sequence[HedgeAnswered]) -> None:
    """Put these on record, in one transaction; one that is there already changes nothing."""
    async with connection.transaction():
        await connection.executemany(_INSERT, [msgspec.structs.astuple(item) for item in answers])
