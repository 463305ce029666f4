"""What the claim holds an order against besides the strategy's own limits, brought into the decision: an order that its
control would refuse is decided smaller, or held with the reason, instead of refused again and again."""

import msgspec

from hedgerow.execution.limits import lowest
from hedgerow.hedging.snapshot import LedgerSnapshot


def within_ceilings(ledger: LedgerSnapshot) -> LedgerSnapshot:
    """The same, with limits no higher than the platform's ceilings. The gross of an account counts leg by leg."""
    limits, ceilings = ledger.config.limits, ledger.ceilings
    order, _ = lowest((limits.max_order_notional, ""), (ceilings.max_order_notional, ""))
    position, _ = lowest((limits.max_position_notional, ""), (ceilings.max_position_notional, ""))
    if (order, position) == (limits.max_order_notional, limits.max_position_notional):
        return ledger
    lowered = msgspec.structs.replace(limits, max_order_notional=order, max_position_notional=position)
    return msgspec.structs.replace(ledger, config=msgspec.structs.replace(ledger.config, limits=lowered))
