"""`/hedge`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from hedgerow_gateway.door import READERS, CallerOf, GuardedRoute, allow
from hedgerow_gateway.fields import Positive, Score
from hedgerow_gateway.hedge_desk import HedgeDesk
from hedgerow_gateway.refusals import refusals

router = APIRouter(prefix="/hedge", tags=["hedge"], route_class=GuardedRoute)

StrategyName = Annotated[
    str | None,
    Query(
        pattern="^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="whose curve to size by, namespace/name; needed where several strategies have one for the asset",
    ),
]


class HedgeRequest(BaseModel):
    """How much of an amount should be hedged now."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"asset": "BTC", "amount_usd": 250000},
                {"asset": "ETH", "amount_usd": 1000, "override_score": 0.7},
            ]
        },
    )

    asset: Annotated[str, Field(pattern="^[A-Z0-9]{1,20}$", description="e.g. BTC")]
    amount_usd: Annotated[Positive, Field(description="the exposure, above 0 and at most 1e12")]
    override_score: Annotated[
        Score | None, Field(description="from 0 to 1, instead of the score in the Redis Cluster")
    ] = None


class HedgeAnswer(BaseModel):
    """The hedge. Numbers, as hedge-engine answers them; the record has them exactly."""

    hedge_pct: Annotated[float, Field(ge=0, le=1, description="fraction of the amount to hedge")]
    notional_usd: Annotated[float, Field(ge=0, description="amount_usd x hedge_pct")]
    confidence: Annotated[
        float, Field(ge=0, le=1, description="the weight that the market's depth gave the score")
    ]
    version: Annotated[str, Field(description="revision of the curve's strategy; `default` without one")]
    ts_ms: Annotated[int, Field(ge=0, description="when this was worked out, ms since 1970")]


@router.post("", responses=refusals(400, 408, 409, 413, 415))
@allow(READERS)
async def size_hedge(
    body: HedgeRequest, request: Request, caller: CallerOf, strategy: StrategyName = None
) -> HedgeAnswer:
    """Size a hedge by the asset's sentiment score, the depth of its market and the live curve. Nothing is traded.

    Refused (409) without a score that is fresh enough or a valid quote of the last 3 s; 503 while nobody tells the
    scores, at once after three failures in a row, with one new attempt after 30 s.
    """
    desk: HedgeDesk = request.app.state.hedge_desk
    override = None if body.override_score is None else float(body.override_score)
    answered = await desk.size(body.asset, body.amount_usd, override, strategy, caller.name)
    return HedgeAnswer(
        hedge_pct=answered.hedge_fraction,
        notional_usd=float(answered.notional_usd),
        confidence=answered.weight,
        version=answered.version,
        ts_ms=answered.answered_ns // 1_000_000,
    )
