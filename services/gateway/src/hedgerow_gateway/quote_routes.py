"""`/quotes`."""

from fastapi import APIRouter, Request

from hedgerow.desk.filling import NoPrice
from hedgerow.domain.instruments import LISTINGS
from hedgerow_gateway.desk import OrderDesk
from hedgerow_gateway.desk_models import QuoteAnswer
from hedgerow_gateway.door import READERS, GuardedRoute, allow
from hedgerow_gateway.refusals import refusals

router = APIRouter(prefix="/quotes", tags=["quotes"], route_class=GuardedRoute)


@router.get("", responses=refusals())
@allow(READERS)
async def list_quotes(request: Request) -> list[QuoteAnswer]:
    """What each listing can be traded at now: a BUY fills at the ask, a SELL at the bid."""
    desk: OrderDesk = request.app.state.desk
    return [_answer(symbol, desk) for symbol in sorted(LISTINGS)]


def _answer(symbol: str, desk: OrderDesk) -> QuoteAnswer:
    touch = desk.touch(symbol)
    if isinstance(touch, NoPrice):
        return QuoteAnswer(symbol=symbol, bid=None, ask=None, problem=touch.fault, detail=touch.detail)
    return QuoteAnswer(symbol=symbol, bid=touch.bid, ask=touch.ask, problem=None, detail=None)
