"""hedging: newest risk states in, committed decisions in the ledger out."""

from hedgerow.schemas.records import HedgeConcluded
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import HEDGE_FILLS, RISK_STATE
from hedgerow.streams.context import StreamRole, Subscription
from hedgerow_hedging import deciding
from hedgerow_hedging.newest import NewestRisk

role = StreamRole(
    name="hedging",
    subscriptions=(
        Subscription(topic=RISK_STATE.name, record_type=RiskState),
        Subscription(topic=HEDGE_FILLS.name, record_type=HedgeConcluded),
    ),
    make_stepper=lambda context: NewestRisk(),
    follows_strategies=True,
    background=deciding.run,
)
