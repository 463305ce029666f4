"""A plan values and decides as the roles do, and takes over what a live strategy already has."""

from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest

from hedgerow.cli.planning import Plan, PlanFacts, plan
from hedgerow.domain.orders import Side
from hedgerow.execution.claim_facts import Ceilings
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge, Hold, HoldReason
from hedgerow.hedging.snapshot import OpenIntent, PolicyState
from hedgerow.schemas.records import ClientBook, Quote, StrategyPublished
from hedgerow.strategy.compile import revision_of


def quote(instrument: str, **changes: Any) -> Quote:
    base = Quote(
        instrument=instrument,
        underlying="BTC",
        sequence=1,
        time_ns=example.NOW_NS,
        source_time_ns=1,
        bid=60000.0,
        ask=60000.2,
        bid_size=1.0,
        ask_size=1.0,
        mid=60000.1,
        spread_bps=0.03,
        imbalance=0.0,
        depth_bps=50.0,
        bid_depth_usd=1e6,
        ask_depth_usd=1e6,
        reach_bps=60.0,
        valid=True,
    )
    return msgspec.structs.replace(base, **changes)


def facts(**changes: Any) -> PlanFacts:
    """Nothing is live; the clients' book is two BTC long, and both quotes are fresh."""
    book = ClientBook(
        name="clients",
        sequence=3,
        as_of_ns=example.NOW_NS,
        published_ns=example.NOW_NS,
        positions={"BTC/USDT": Decimal(2)},
    )
    base = PlanFacts(
        config=example.strategy(),
        live=None,
        ledger=None,
        halts=(),
        refused=None,
        running=None,
        books=[book, msgspec.structs.replace(book, name="others", positions={"BTC/USDT": Decimal(50)})],
        quotes=[quote("BTC/USDT"), quote("BTC/USDT:USDT"), quote("ETH/USDT", underlying="ETH")],
        scores=[],
        accounts=[],
        hedges={},
        venues=[example.venue()],
        ceilings=Ceilings(),
        now_ns=example.NOW_NS,
    )
    return msgspec.structs.replace(base, **changes)


def live(revision: str | None = None) -> StrategyPublished:
    config = example.strategy()
    return StrategyPublished(
        uid=example.UID, generation=1, revision=revision or revision_of(config), published_ns=1, config=config
    )


def decision_of(found: Plan) -> Any:
    assert found.outlook is not None
    return found.outlook.decision


def hold_reason(found: Plan) -> HoldReason:
    decision = decision_of(found)
    assert isinstance(decision, Hold), decision
    return decision.reason


def test_a_strategy_that_is_not_live_is_valued_from_books_and_quotes() -> None:
    found = plan(facts())
    assert (found.change, found.generation, found.risk_from) == ("created", 1, "books and market.enriched")
    assert decision_of(found) == decide(example.risk("2"), example.snapshot())
    assert found.outlook is not None
    assert found.outlook.bands[0].net == 2
    assert found.outlook.now[0].startswith("It would send: Sell 0.832 BTC/USDT:USDT at 59940 or better")


def test_the_platforms_ceilings_and_the_venues_own_limit_hold_for_a_plan_too() -> None:
    capped = decision_of(plan(facts(ceilings=Ceilings(max_order_notional=Decimal(10_000)))))
    assert isinstance(capped, Hedge)
    assert [intent.quantity for intent in capped.intents] == [Decimal("0.166")]
    narrow = example.venue(max_gross_notional=Decimal(20_000))
    assert hold_reason(plan(facts(venues=[narrow]))) is HoldReason.POSITION_LIMIT


def test_a_live_strategy_is_decided_on_its_own_newest_risk_state() -> None:
    found = plan(facts(live=live(), ledger=example.snapshot(), running=example.risk("1.5")))
    assert (found.change, found.generation, found.risk_from) == ("unchanged", 1, "risk.state")
    assert decision_of(found) == decide(example.risk("1.5"), example.snapshot())


@pytest.mark.parametrize("running", [None, example.risk("9", generation=7), example.risk("9", uid="another")])
def test_a_risk_state_of_another_generation_is_not_used(running: Any) -> None:
    found = plan(facts(live=live(), ledger=example.snapshot(), running=running))
    assert found.risk_from == "books and market.enriched"
    assert decision_of(found) == decide(example.risk("2"), example.snapshot())


def test_a_changed_strategy_takes_over_the_hedge_the_open_intents_and_the_cooldown() -> None:
    changed = example.strategy(bands=(example.band(upper="0.2"),))
    ledger = example.snapshot("-1.5")
    found = plan(facts(config=changed, live=live(), ledger=ledger, running=example.risk("9")))
    assert (found.change, found.generation) == ("configured", 2)
    assert isinstance(decision_of(found), Hedge)
    assert found.outlook is not None
    assert (found.outlook.bands[0].net, found.outlook.bands[0].upper) == (Decimal("0.5"), Decimal("0.2"))
    cooling = example.snapshot("-1.5", policy_state=PolicyState(last_decided_ns=example.NOW_NS))
    assert hold_reason(plan(facts(config=changed, live=live(), ledger=cooling))) is HoldReason.COOLDOWN
    unknown = OpenIntent(
        id=4,
        leg=0,
        side=Side.SELL,
        quantity=Decimal(1),
        filled_quantity=Decimal(0),
        state=IntentState.UNKNOWN,
    )
    busy = example.snapshot("-1.5", open_intents=(unknown,))
    assert hold_reason(plan(facts(config=changed, live=live(), ledger=busy))) is HoldReason.OPEN_INTENT


def test_halts_suspension_and_missing_inputs_hold_as_they_would_live() -> None:
    assert hold_reason(plan(facts(halts=("All halted by cli: drill",)))) is HoldReason.HALTED
    assert hold_reason(plan(facts(config=example.strategy(suspend=True)))) is HoldReason.SUSPENDED
    found = plan(facts(quotes=[]))
    assert hold_reason(found) is HoldReason.NOT_READY
    assert found.outlook is not None
    assert {problem.input for problem in found.outlook.problems} == {"quote:BTC/USDT", "quote:BTC/USDT:USDT"}
    assert hold_reason(plan(facts(books=[]))) is HoldReason.NOT_READY


def test_a_quote_that_is_too_old_is_not_hedged_on() -> None:
    old = example.NOW_NS - 10 * example.SECOND_NS
    found = plan(facts(quotes=[quote("BTC/USDT"), quote("BTC/USDT:USDT", time_ns=old)]))
    assert hold_reason(found) is HoldReason.NOT_READY


def test_what_apply_would_refuse_has_no_outlook() -> None:
    found = plan(facts(refused="LegConflict: somebody else's"))
    assert (found.change, found.outlook, found.refused) == ("refused", None, "LegConflict: somebody else's")


def test_a_plan_is_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(plan(facts())))["outlook"]["decision"]["type"] == "Hedge"
