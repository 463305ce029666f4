"""What a claim makes of an intent once the controls have spoken. Pure."""

from hedgerow.domain.money import ZERO
from hedgerow.execution.claim_facts import Refusal, RefusalCode
from hedgerow.execution.conclusion import Conclusion
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import IntentState

SENDING = Conclusion(state=IntentState.SENDING, filled_quantity=ZERO, reason="")


def venue_missing(intent: Intent) -> Refusal:
    """Why an intent on a venue that was taken away is not sent."""
    return Refusal(code=RefusalCode.NOT_PERMITTED, detail=f"venue {intent.venue} is not in the ledger")


def refused(refusal: Refusal) -> Conclusion:
    """An intent that a control refused ends; one that is only too old has expired."""
    state = IntentState.EXPIRED if refusal.code is RefusalCode.STALE_DECISION else IntentState.REFUSED
    return Conclusion(state=state, filled_quantity=ZERO, reason=f"{refusal.code}: {refusal.detail}")
