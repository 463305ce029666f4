"""`/risk`: for screens. Nothing is decided or filled by it."""

from fastapi import APIRouter, Request

from hedgerow_gateway.door import READERS, GuardedRoute, allow
from hedgerow_gateway.refusals import refusals
from hedgerow_gateway.risk_models import StrategyAnswer, hedge_answer, risk_answer
from hedgerow_gateway.risk_view import RiskView

router = APIRouter(prefix="/risk", tags=["risk"], route_class=GuardedRoute)


@router.get("", responses=refusals())
@allow(READERS)
async def list_risk(request: Request) -> list[StrategyAnswer]:
    """Every live strategy: what risk sees of it unhedged, what the ledger has of its hedge, and where both are from."""
    view: RiskView = request.app.state.risk
    return [
        StrategyAnswer(
            strategy=found.strategy,
            risk=None if found.risk is None else risk_answer(*found.risk),
            hedge=None if found.hedge is None else hedge_answer(*found.hedge),
            problem=found.problem,
        )
        for found in await view.strategies()
    ]
