"""What `explain` says follows from the same facts and the same decision as in production."""

from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from account_examples import account_source, account_state
from hedge_world import LADDER, World, escalating, over_time

from hedgerow.cli.explanation import BandFact, Explanation, Facts, InputFact, explain, explain_past
from hedgerow.hedging.decide import decide
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.acknowledging import executor_role
from hedgerow.schemas.records import ClientBook, StrategyPublished
from hedgerow.schemas.risk_state import InputProblem
from hedgerow.strategy.compiled import Freshness, Mode, OnStale


def facts(ledger: LedgerSnapshot | None = None, **changes: Any) -> Facts:
    """Two BTC long, nothing hedged, everything there and fresh."""
    ledger = ledger or example.snapshot()
    base = Facts(
        published=StrategyPublished(
            uid=example.UID, generation=1, revision="r1", published_ns=example.NOW_NS, config=ledger.config
        ),
        ledger=ledger,
        risk=example.risk("2"),
        books=[
            ClientBook(
                name="clients",
                sequence=3,
                as_of_ns=example.NOW_NS - 500_000_000,
                published_ns=example.NOW_NS,
                positions={"BTC/USDT": Decimal("2.0")},
            )
        ],
        accounts=[],
        hedges={},
        venues=[example.venue()],
        recent=[],
        acknowledged=[executor_role(example.VENUE), "hedging", "risk", "router"],
    )
    return msgspec.structs.replace(base, **changes)


def said(found: Explanation) -> str:
    return " ".join(found.now)


def test_an_account_is_shown_with_what_counts_of_it_and_its_age() -> None:
    config = example.strategy(
        accounts=(account_source(venue=example.VENUE),),
        freshness=Freshness(quote_ns=3_000_000_000, book_ns=15_000_000_000, account_ns=15_000_000_000),
    )
    seen = account_state(venue=example.VENUE, time_ns=example.NOW_NS - 4_000_000_000)
    given = facts(example.snapshot(config=config), accounts=[seen])
    shown = explain(given).inputs[-1]
    # The perpetual on that account is the hedge.
    assert shown == InputFact(
        input="account desk/paper hedge-01", age_s=4.0, limit_s=15.0, usable=True, detail="1.5 BTC/USDT"
    )
    old = msgspec.structs.replace(seen, time_ns=example.NOW_NS - 16_000_000_000)
    assert explain(msgspec.structs.replace(given, accounts=[old])).inputs[-1].usable is False
    other = msgspec.structs.replace(seen, account="hedge-02")
    for accounts in ([], [other]):
        missing = explain(msgspec.structs.replace(given, accounts=accounts)).inputs[-1]
        assert (missing.usable, missing.age_s) == (False, None)
        assert missing.detail.startswith("none on topic accounts; see whether its collector runs")


def test_an_excess_is_explained_with_the_order_that_would_be_sent() -> None:
    given = facts()
    found = explain(given)
    assert found.decision == decide(example.risk("2"), given.ledger)
    assert found.now == [
        "It would send: Sell 0.832 BTC/USDT:USDT at 59940 or better (IOC) on desk/paper account hedge-01, "
        "to bring the net delta from 2.00000000 BTC towards 1.00000000."
    ]
    assert found.bands == [
        BandFact(
            underlying="BTC",
            unhedged=Decimal(2),
            hedge=Decimal(0),
            net=Decimal(2),
            lower=Decimal(-1),
            upper=Decimal(1),
            excess=Decimal(1),
            mark=Decimal("60000.1"),
        )
    ]


def test_a_shadow_strategy_says_that_it_sends_nothing() -> None:
    ledger = example.snapshot(config=example.strategy(mode=Mode.SHADOW))
    disabled = [example.venue(trading_enabled=False)]
    assert said(explain(facts(ledger, venues=disabled))).startswith("It would fill virtually: Sell 0.832")
    assert "refuses" not in said(explain(facts(ledger, venues=disabled)))


def test_a_disabled_venue_is_foretold_as_the_executors_refusal() -> None:
    found = explain(facts(venues=[example.venue(trading_enabled=False)]))
    assert found.now[1] == "But trading on desk/paper is Disabled, so the executor refuses it."
    assert explain(facts(venues=[])).legs[0].trading == "no such Venue"


def test_a_hedge_that_is_held_counts() -> None:
    found = explain(facts(example.snapshot(held="-1.5")))
    assert found.legs[0].held == Decimal("-1.5")
    assert (found.bands[0].hedge, found.bands[0].net, found.bands[0].excess) == (
        Decimal("-1.5"),
        Decimal("0.5"),
        0,
    )
    assert said(found).startswith("It sends nothing: InsideBand: net delta 0.5")


def test_a_strategy_that_may_only_reduce_says_so_with_the_order_and_without_one() -> None:
    old = InputProblem(input="book:clients", code="Stale", detail="9.000 s old, limit 5 s")
    base = example.strategy()
    freshness = msgspec.structs.replace(base.freshness, on_stale=OnStale.REDUCE_ONLY)
    ledger = example.snapshot("-2", config=example.strategy(freshness=freshness))
    reduces = explain(facts(ledger, risk=example.risk("0.5", ready=False, problems=(old,)))).now
    assert reduces[0].startswith("It would send: Buy 0.5 ")
    assert reduces[1] == (
        "It may only reduce its hedge now, for its exposure is stale: book:clients: Stale (9.000 s old, limit 5 s)."
    )
    waits = explain(facts(ledger, risk=example.risk("3.5", ready=False, problems=(old,)))).now
    assert waits == [
        "It sends nothing: ReduceOnly: Sell 0.500 BTC/USDT:USDT is wanted by the last known exposure; of the position "
        "of -2 it may take off 0, in orders of at least 0.001: book:clients: Stale (9.000 s old, limit 5 s)."
    ]


def test_a_halt_is_the_reason() -> None:
    found = explain(facts(example.snapshot(halts=("All halted by cli: drill",))))
    assert found.halts == ["All halted by cli: drill"]
    assert said(found) == "It sends nothing: Halted: All halted by cli: drill."


def test_without_a_risk_state_it_says_what_to_look_at() -> None:
    found = explain(facts(risk=None))
    assert (found.decision, found.bands) == (None, [])
    assert (
        found.inputs[0].detail == "none on topic risk.state; see whether ingestion, enrichment and risk run"
    )
    assert said(found) == "It sends nothing: no risk state of it was seen."


def test_what_risk_misses_is_named_and_no_exposure_is_made_up() -> None:
    problem = InputProblem(input="book:clients", code="Missing", detail="never seen")
    found = explain(facts(risk=example.risk(ready=False, problems=(problem,), exposures=(), marks=())))
    assert found.problems == [problem]
    assert found.bands == []
    assert said(found).startswith("It sends nothing: NotReady: book:clients: Missing")


def test_a_risk_state_of_an_earlier_strategy_of_this_name_is_not_shown_as_this_ones_exposure() -> None:
    found = explain(facts(risk=example.risk("2", uid="another")))
    assert found.bands == []
    assert said(found).startswith("It sends nothing: GenerationPending")


@pytest.mark.parametrize(
    ("change", "usable"),
    [
        ({}, True),
        ({"time_ns": example.NOW_NS - 4 * example.SECOND_NS}, False),
        ({"valid": False, "reason": "crossed"}, False),
    ],
)
def test_each_quote_is_shown_with_its_age_and_whether_it_can_be_used(
    change: dict[str, Any], usable: bool
) -> None:
    mark = example.mark(**change)
    quote = explain(facts(risk=example.risk(marks=(mark,)))).inputs[1]
    assert quote.input == "quote BTC/USDT:USDT"
    assert quote.age_s == (example.NOW_NS - mark.time_ns) / 1e9
    assert quote.usable is usable
    assert ("crossed" in quote.detail) is (not mark.valid)


def test_books_are_shown_as_the_ledger_has_them() -> None:
    book = explain(facts()).inputs[-1]
    assert (book.input, book.age_s, book.detail) == ("book clients", 0.5, "2 BTC/USDT")
    missing = explain(facts(books=[])).inputs[-1]
    assert (missing.usable, missing.age_s) == (False, None)


def test_an_explanation_is_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(explain(facts())))["bands"][0]["excess"] == "1"


def test_a_passive_order_is_explained_with_its_rung_and_its_cancel_with_the_reason() -> None:
    world = World(escalating(), "2")
    assert "(PostOnly, rung Passive)" in said(explain(facts(world.ledger, risk=world.risk())))
    world.decide()
    world.accept()
    waits = said(explain(facts(world.ledger, risk=world.risk())))
    assert waits.startswith("It sends nothing: Resting: intent 1 waits at 60000.2")
    world.wait(LADDER.passive_ns)
    assert explain(facts(world.ledger, risk=world.risk())).now == [
        "It takes intent 1 back: Deadline: it waited the 10 s of passiveFor."
    ]


def test_a_hedge_over_time_that_is_done_is_said_to_be_remembered_only() -> None:
    world = World(over_time(), "1.4")
    world.settle()
    world.delta = Decimal("0.5")
    world.fill_all()
    assert said(explain(facts(world.ledger, risk=world.risk()))).startswith("It sends nothing: it remembers")


def test_an_inventory_is_explained_with_its_parts_and_a_past_decision_in_the_same_words() -> None:
    risk = example.risk(
        "2",
        marks=(example.mark(depth_usd=1e7, depth_bps=20.0),),
        inventories=(example.inventory(loss=0.04, age_s=3600),),
        volatilities=(example.volatility(0.8),),
    )
    ledger = example.snapshot(config=example.by_risk())
    found = explain(facts(ledger, risk=risk))
    told = {item.input: (item.age_s, item.usable, item.detail) for item in found.inputs}
    assert told["inventory BTC"] == (3600.0, True, "cost 100,000.00, unrealised -4,000.00 (-4.00%)")
    assert told["volatility BTC"] == (None, True, "80.0% a year, from 100 bars")
    assert found.bands[0].rule == (
        "risk score 51.0 (loss 28.0 + age 2.5 + volatility 20.0 + liquidity 0.5) -> Reduce: 25% of 2 BTC hedged"
    )
    assert said(found).startswith("It would send: Sell 0.5 BTC/USDT:USDT")
    decision = decide(risk, ledger)
    past = explain_past(risk, ledger, decision)
    assert (past.bands, past.inputs[-2:]) == (found.bands, found.inputs[2:4])
    assert past.outcome[0].startswith("It decided: Sell 0.5 BTC/USDT:USDT")


def test_an_entry_that_is_not_known_is_named() -> None:
    unknown = (example.inventory(unknown=("BTC/USDT of book:oms",)),)
    risk = example.risk("2", inventories=unknown, volatilities=(example.volatility(0.8),))
    found = explain(facts(example.snapshot(config=example.by_risk()), risk=risk))
    (told,) = [item for item in found.inputs if item.input == "inventory BTC"]
    assert (told.usable, told.detail.endswith("entry not known: BTC/USDT of book:oms")) == (False, True)
    assert said(found).startswith("It sends nothing: UnknownEntry: it is not known what was paid for")


def test_an_action_that_is_only_remembered_is_said() -> None:
    risk = example.risk("0", inventories=(example.inventory(),), volatilities=(example.volatility(0.1),))
    found = explain(facts(example.snapshot(config=example.by_risk()), risk=risk))
    assert said(found) == (
        "It sends nothing: it remembers that the action is Hold for BTC now, and decides anew."
    )
