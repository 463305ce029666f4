"""Two underlyings in one strategy: each at its own pace, or their orders together.

L1  With legs that go together, an order is only decided when none of the others cannot go.
L2  The cooldown of one underlying keeps no other waiting, and holds for every leg of its own.
"""

from decimal import Decimal

import hedge_examples as example
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Decision, Hedge, Hold, HoldReason
from hedgerow.hedging.snapshot import LedgerSnapshot, LegDecided, PolicyState
from hedgerow.schemas.risk_state import Exposure, RiskState
from hedgerow.strategy.compiled import Leg

ETHER = msgspec.structs.replace(
    example.PERPETUAL, symbol="ETH/USDT:USDT", underlying="ETH", base="ETH", min_notional=Decimal(600)
)
NARROW = Decimal("0.0001")


def risk(btc: Decimal, eth: Decimal) -> RiskState:
    return example.risk(
        exposures=tuple(
            Exposure(underlying=name, delta=delta, mark=mark, notional=delta * mark)
            for name, delta, mark in (("BTC", btc, Decimal(60_000)), ("ETH", eth, Decimal(3_000)))
        ),
        marks=(
            example.mark(),
            example.mark(
                instrument=ETHER.symbol, bid=Decimal(3_000), ask=Decimal("3000.1"), mid=Decimal(3_000)
            ),
        ),
    )


def pair(together: bool, policy: PolicyState | None = None) -> LedgerSnapshot:
    """BTC within ±1, and ETH within a band that its smallest order, 0.2, would cross."""
    ether = Leg(index=1, venue=example.VENUE, account=example.ACCOUNT, instrument=ETHER)
    ether_band = msgspec.structs.replace(example.band("0", "0.01"), underlying="ETH")
    config = example.strategy(
        hedge_with=(example.leg(), ether),
        bands=(example.band(), ether_band),
        execution=example.execution(together=together),
    )
    return example.snapshot(config=config, policy_state=policy or PolicyState())


def legs_of(decision: Decision) -> list[int]:
    return [intent.leg for intent in decision.intents] if isinstance(decision, Hedge) else []


deltas = st.integers(-30_000, 30_000).map(lambda units: Decimal(units) / 10_000)


@given(deltas, deltas)
def test_l1_all_or_none(btc: Decimal, eth: Decimal) -> None:
    alone = decide(risk(btc, eth), pair(together=False))
    decision = decide(risk(btc, eth), pair(together=True))
    ether_is_stuck = eth not in (0, NARROW) and not 0 <= eth <= Decimal("0.01") and 1 not in legs_of(alone)
    if ether_is_stuck and abs(btc) > 1:
        assert legs_of(alone) == [0]
        assert isinstance(decision, Hold)
        assert decision.reason in (HoldReason.LEGS_TOGETHER, HoldReason.BELOW_MINIMUM)
        assert "ETH" in decision.detail
    else:
        assert decision == alone


def test_a_leg_that_is_done_keeps_no_other_back() -> None:
    assert legs_of(decide(risk(Decimal("1.4"), Decimal("0.005")), pair(together=True))) == [0]


def scored(eth_score_ns: int, together: bool) -> tuple[RiskState, LedgerSnapshot]:
    """BTC and ETH along curves, with an ETH score of that time."""
    ether = Leg(index=1, venue=example.VENUE, account=example.ACCOUNT, instrument=ETHER)
    config = example.by_score(
        hedge_with=(example.leg(), ether),
        sentiment_curves=(example.curve(), example.curve(underlying="ETH")),
        execution=example.execution(together=together),
    )
    scores = (example.score(), example.score(asset="ETH", time_ns=eth_score_ns))
    deep = [msgspec.structs.replace(mark, depth_usd=1e7) for mark in risk(Decimal(1), Decimal(2)).marks]
    seen = msgspec.structs.replace(risk(Decimal(1), Decimal(2)), scores=scores, marks=tuple(deep))
    return seen, example.snapshot(config=config)


def test_l1_a_leg_whose_score_is_stale_keeps_the_others_back() -> None:
    old_ns = example.NOW_NS - 4 * example.SECOND_NS
    assert legs_of(decide(*scored(example.NOW_NS, together=True))) == [0, 1]
    assert legs_of(decide(*scored(old_ns, together=False))) == [0]
    decision = decide(*scored(old_ns, together=True))
    assert isinstance(decision, Hold)
    assert decision.reason in (HoldReason.LEGS_TOGETHER, HoldReason.STALE_SCORE)
    assert legs_of(decision) == []


def test_l1_a_leg_whose_entry_is_not_known_keeps_the_others_back() -> None:
    ether = Leg(index=1, venue=example.VENUE, account=example.ACCOUNT, instrument=ETHER)
    rules = (example.inventory_rule(), example.inventory_rule(underlying="ETH"))
    config = example.by_risk(
        hedge_with=(example.leg(), ether),
        inventory_risks=rules,
        execution=example.execution(together=True),
    )
    seen = msgspec.structs.replace(
        risk(Decimal(1), Decimal(2)),
        inventories=(
            example.inventory(loss=0.9),
            example.inventory(underlying="ETH", unknown=("ETH/USDT of book:clients",)),
        ),
        volatilities=(example.volatility(9.0), example.volatility(9.0, "ETH")),
    )
    ledger = example.snapshot(config=config)
    alone = msgspec.structs.replace(config, execution=example.execution(together=False))
    assert legs_of(decide(seen, msgspec.structs.replace(ledger, config=alone))) == [0]
    assert legs_of(decide(seen, ledger)) == []


def test_l2_each_underlying_has_its_own_cooldown() -> None:
    just_now = LegDecided(leg=0, time_ns=example.NOW_NS)
    policy = PolicyState(last_decided_ns=example.NOW_NS, legs=(just_now,))
    decision = decide(risk(Decimal("1.4"), Decimal(2)), pair(together=False, policy=policy))
    assert isinstance(decision, Hedge)
    assert legs_of(decision) == [1]
    assert decision.policy_state.legs == (just_now, LegDecided(leg=1, time_ns=example.NOW_NS))


def test_l2_it_holds_for_every_leg_of_the_underlying() -> None:
    config = example.strategy(hedge_with=(example.leg(), example.leg(1, "desk/other")))
    policy = PolicyState(last_decided_ns=example.NOW_NS, legs=(LegDecided(leg=1, time_ns=example.NOW_NS),))
    decision = decide(example.risk("1.4"), example.snapshot(config=config, policy_state=policy))
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.COOLDOWN
