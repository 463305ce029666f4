"""The right to send is taken once, or refused for good."""

import asyncio
from decimal import Decimal

import asyncpg
import hedge_examples as example
import msgspec
import pytest
from ledger_desk import TRACE, Desk

from hedgerow.domain.ids import intent_of
from hedgerow.domain.instruments import LISTINGS
from hedgerow.execution.claim_facts import Funds, RefusalCode, VenueView
from hedgerow.execution.controls import MAX_DECISION_AGE_NS
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.ledger.account_funds import write_funds
from hedgerow.ledger.claims import Claim, claim
from hedgerow.ledger.connection import allow_silence, ledger_id
from hedgerow.ledger.decisions import commit_decision
from hedgerow.ledger.halts import standing_halts
from hedgerow.ledger.intents import open_intents, recent_intents
from hedgerow.ledger.strategies import publish_strategy, remove_strategy, strategies_on_venue
from hedgerow.strategy.compiled import Leg, Mode


async def test_a_claimed_intent_is_sending_under_its_own_name_and_time(desk: Desk) -> None:
    number = await desk.decide()
    taken = await desk.claim(number)
    assert taken is not None
    assert taken.refusal is None
    async with desk.pool.acquire() as connection:
        assert taken.intent.client_order_id is not None
        assert intent_of(await ledger_id(connection), taken.intent.client_order_id) == number
        assert await open_intents(connection, example.VENUE, example.ACCOUNT) == [taken.intent]
        assert await recent_intents(connection, desk.uid, 5) == [taken.intent]
    assert (taken.intent.state, taken.intent.claimed_ns) == (IntentState.SENDING, desk.now_ns)
    assert await desk.intent(number) == taken.intent


@pytest.mark.parametrize("executors", [2, 12])
async def test_of_many_claims_exactly_one_wins(desk: Desk, executors: int) -> None:
    number = await desk.decide()
    claims = await asyncio.gather(*(desk.claim(number) for _ in range(executors)))
    (won,) = [taken for taken in claims if taken is not None]
    assert won.refusal is None
    assert await desk.value("select count(*) from orders") == 1


async def test_of_many_refused_claims_exactly_one_refuses(desk: Desk) -> None:
    number = await desk.decide()
    claims = await asyncio.gather(*(desk.claim(number, bid="1", ask="2") for _ in range(8)))
    (refused,) = [taken for taken in claims if taken is not None]
    assert refused.refusal is not None
    assert await desk.value("select count(*) from orders") == 0
    assert await desk.value("select count(*) from chain") == 2


async def _stale(desk: Desk) -> None:
    desk.now_ns += MAX_DECISION_AGE_NS + 1


async def _next_generation(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        await publish_strategy(
            connection, example.strategy(bands=(example.band("-1", "2"),)), "r2", desk.now_ns
        )


async def _removed(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        await remove_strategy(connection, desk.config.key, desk.now_ns)


async def _disabled(desk: Desk) -> None:
    await desk.open(venue=example.venue(trading_enabled=False))


async def _no_venue(desk: Desk) -> None:
    await desk.execute("delete from venues")


@pytest.mark.parametrize(
    ("spoil", "code", "state"),
    [
        (_stale, RefusalCode.STALE_DECISION, IntentState.EXPIRED),
        (_next_generation, RefusalCode.SUPERSEDED, IntentState.REFUSED),
        (_removed, RefusalCode.SUPERSEDED, IntentState.REFUSED),
        (_disabled, RefusalCode.NOT_PERMITTED, IntentState.REFUSED),
        (_no_venue, RefusalCode.NOT_PERMITTED, IntentState.REFUSED),
    ],
)
async def test_a_refusal_ends_the_intent_and_frees_its_leg(desk: Desk, spoil, code, state) -> None:
    number = await desk.decide()
    version = await desk.value("select version from strategies where uid = $1", desk.uid)
    await spoil(desk)
    published = (
        await desk.value("select generation from strategies where uid = $1", desk.uid) - desk.generation
    )
    removed = await desk.value("select count(*) from strategies where deleted_ns is not null")
    taken = await desk.claim(number)
    assert taken is not None
    assert taken.refusal is not None
    assert taken.refusal.code is code
    assert (taken.intent.state, taken.intent.client_order_id) == (state, None)
    assert taken.intent.reason == f"{code}: {taken.refusal.detail}"
    assert await desk.intent(number) == taken.intent
    assert await desk.value("select count(*) from orders") == 0
    after = await desk.value("select version from strategies where uid = $1", desk.uid)
    assert after == version + 1 + published + removed
    assert await desk.claim(number) is None


async def test_a_claim_of_what_was_never_decided_is_an_error(desk: Desk) -> None:
    with pytest.raises(LookupError, match="no intent 4711"):
        await desk.claim(4711)


async def test_orders_on_their_way_count_towards_the_strategys_rate(desk: Desk) -> None:
    await desk.open(example.strategy(limits=example.limits(max_orders_per_minute=2)), revision="slow")
    for number in range(2):
        sent = await desk.send()
        await desk.conclude(sent.id, example.order(IntentState.CANCELLED), *[])
        assert sent.id == number + 1
    refused = await desk.claim(await desk.decide())
    assert refused is not None
    assert refused.refusal is not None
    assert refused.refusal.code is RefusalCode.ORDER_RATE
    desk.now_ns += 60 * example.SECOND_NS
    assert (await desk.send()).state is IntentState.SENDING


async def test_a_config_that_cannot_be_read_is_quarantined_with_its_bytes_and_halts_its_strategy(
    desk: Desk,
) -> None:
    other = await Desk(desk.pool).open(example.strategy(name="other", hedge_with=(SPOT,)), example.venue())
    number = await desk.decide()
    await desk.execute(f"update strategies set config = '{{\"mode\": \"Yolo\"' where uid = '{desk.uid}'")
    taken = await desk.claim(number)
    assert taken is not None
    assert taken.refusal is not None
    assert taken.refusal.code is RefusalCode.UNREADABLE
    async with desk.pool.acquire() as connection:
        for _ in range(2):
            live = await strategies_on_venue(connection, example.VENUE)
            assert [item.uid for item in live] == [other.uid]
        for known, changed in ((live[0].generation, []), (live[0].generation + 1, [other.uid])):
            found = await strategies_on_venue(connection, example.VENUE, {other.uid: known, desk.uid: 1})
            assert [item.uid for item in found] == changed
        (kept,) = await connection.fetch("select * from quarantine")
        (halt,) = await standing_halts(connection)
    assert (kept["source"], kept["key"], kept["bytes"]) == ("strategies", "desk/btc", b'{"mode": "Yolo"')
    assert (halt.target.name, halt.source) == ("desk/btc", "quarantine")
    assert (await other.send()).state is IntentState.SENDING


SPOT = Leg(index=0, venue=example.VENUE, account=example.ACCOUNT, instrument=LISTINGS["BTC/USDT"])


async def _two_strategies(pool: asyncpg.Pool, mode: Mode = Mode.PAPER) -> tuple[Desk, Desk]:
    """On one account that has room for one of their orders (each 24,000), and for one order a second."""
    venue = example.venue(max_gross_notional=Decimal(40_000), orders_per_second=5)
    perpetual = await Desk(pool).open(example.strategy(mode=mode), venue)
    spot = await Desk(pool).open(example.strategy(name="spot", hedge_with=(SPOT,), mode=mode), venue)
    return perpetual, spot


async def test_a_cap_of_the_account_holds_between_claims_that_overlap(pool: asyncpg.Pool) -> None:
    """Both claims are stopped where their controls have passed; only one may go on to send."""
    desks = await _two_strategies(pool)
    numbers = [await desk.decide("1.4") for desk in desks]
    async with pool.acquire() as blocker, blocker.transaction():
        await allow_silence(blocker)
        await blocker.execute("lock table orders in share mode")
        claims = [
            asyncio.create_task(desk.claim(number)) for desk, number in zip(desks, numbers, strict=True)
        ]
        await desks[0].until_waiting(2, *claims)
    outcomes = [taken for taken in await asyncio.gather(*claims) if taken is not None]
    codes = [taken.refusal.code for taken in outcomes if taken.refusal is not None]
    assert codes == [RefusalCode.GROSS_NOTIONAL]


async def test_positions_and_orders_of_every_strategy_count_towards_the_accounts_gross(
    pool: asyncpg.Pool,
) -> None:
    perpetual, spot = await _two_strategies(pool)
    sent = await perpetual.send("1.4")
    quantity = format(sent.quantity, "f")
    await perpetual.conclude(
        sent.id, example.order(IntentState.FILLED, quantity), example.fill("x1", quantity)
    )
    refused = await spot.claim(await spot.decide("1.4"))
    assert refused is not None
    assert refused.refusal is not None
    assert refused.refusal.code is RefusalCode.GROSS_NOTIONAL
    assert "a gross of 48000.04" in refused.refusal.detail


async def test_shadow_orders_do_not_use_up_the_real_accounts_gross(pool: asyncpg.Pool) -> None:
    perpetual, _ = await _two_strategies(pool, Mode.SHADOW)
    await perpetual.send("1.4")
    real = await Desk(pool).open(
        example.strategy(name="real", hedge_with=(example.leg(account="hedge-02"),)),
        example.venue(max_gross_notional=Decimal(40_000), account="hedge-02"),
    )
    assert (await real.send("1.4")).state is IntentState.SENDING


ETHER = LISTINGS["ETH/USDT:USDT"]


async def _two_legs(desk: Desk, account: str) -> tuple[int, int]:
    """Decided together: bitcoin on the example's account, ether on this one. Numbers of both intents."""
    ether = msgspec.structs.replace(example.leg(1), instrument=ETHER, account=account)
    config = example.strategy(hedge_with=(example.leg(), ether), execution=example.execution(together=True))
    await desk.open(config)
    desk.now_ns += config.execution.cooldown_ns
    ledger, risk = await desk.snapshot(), desk.risk("3")
    hedge = decide(risk, ledger)
    assert isinstance(hedge, Hedge)
    (first,) = hedge.intents
    second = msgspec.structs.replace(
        first, leg=1, account=account, instrument=ETHER.symbol, quantity=Decimal("0.3")
    )
    async with desk.pool.acquire() as connection:
        both = msgspec.structs.replace(hedge, intents=(first, second))
        committed = await commit_decision(connection, risk, ledger, both, TRACE)
    assert committed is not None
    return committed.intents[0], committed.intents[1]


def _funds(desk: Desk, available: Decimal, asked_ns_ago: int = 0) -> Funds:
    leverage = {example.SYMBOL: Decimal(10), ETHER.symbol: Decimal(10)}
    return Funds(available=available, leverage=leverage, time_ns=desk.now_ns - asked_ns_ago)


async def _claims(desk: Desk, numbers: tuple[int, int], funds: Funds) -> list[RefusalCode | None]:
    """Codes of both claims, one after the other."""
    touch = example.ticker(time_ns=desk.now_ns)
    tickers = {example.SYMBOL: touch, ETHER.symbol: touch}
    seen = VenueView(opened=example.venue().prices, tickers=tickers, funds=funds)
    async with desk.pool.acquire() as connection:
        taken = [await claim(connection, number, seen, desk.now_ns) for number in numbers]
    return [None if item is None or item.refusal is None else item.refusal.code for item in taken]


async def test_of_two_legs_that_go_together_none_goes_when_the_account_affords_only_one(
    pool: asyncpg.Pool,
) -> None:
    desk = Desk(pool)
    numbers = await _two_legs(desk, example.ACCOUNT)
    quantity = (await desk.intent(numbers[0])).quantity
    funds = _funds(desk, example.PERPETUAL.notional(quantity, Decimal("60000.2")) / 10 + 1)
    assert await _claims(desk, numbers, funds) == [
        RefusalCode.INSUFFICIENT_FUNDS,
        RefusalCode.LEGS_TOGETHER,
    ]


@pytest.mark.parametrize(
    ("available", "asked_ns_ago", "codes"),
    [
        (None, 0, [RefusalCode.OTHER_ACCOUNT_FUNDS, RefusalCode.LEGS_TOGETHER]),
        ("1000", 0, [RefusalCode.OTHER_ACCOUNT_FUNDS, RefusalCode.LEGS_TOGETHER]),
        ("10000", 20 * example.SECOND_NS, [RefusalCode.OTHER_ACCOUNT_FUNDS, RefusalCode.LEGS_TOGETHER]),
        ("10000", 0, [None, None]),
    ],
)
async def test_the_first_leg_waits_for_what_the_other_legs_account_can_put_up(
    pool: asyncpg.Pool, available: str | None, asked_ns_ago: int, codes: list[RefusalCode | None]
) -> None:
    """Ether's 0.3 are worth 18,000 here, so a margin of 1,800 is needed on its account."""
    desk = Desk(pool)
    numbers = await _two_legs(desk, "hedge-02")
    if available is not None:
        async with pool.acquire() as connection:
            for told in ("7", available):
                funds = _funds(desk, Decimal(told), asked_ns_ago)
                await write_funds(connection, example.VENUE, "hedge-02", funds)
    assert await _claims(desk, numbers, _funds(desk, Decimal(10_000))) == codes


async def test_what_the_other_account_claimed_since_its_venue_was_asked_is_not_there_any_more(
    pool: asyncpg.Pool,
) -> None:
    other = await Desk(pool).open(
        example.strategy(name="other", hedge_with=(example.leg(account="hedge-02"),)), example.venue()
    )
    desk = Desk(pool)
    numbers = await _two_legs(desk, "hedge-02")
    sent = await other.send()
    margin = example.PERPETUAL.notional(sent.quantity, sent.limit_price) / 10
    async with pool.acquire() as connection:
        enough_for_one = _funds(desk, margin + 1, desk.now_ns - (sent.claimed_ns or 0) + 1)
        await write_funds(connection, example.VENUE, "hedge-02", enough_for_one)
    assert (await _claims(desk, numbers, _funds(desk, Decimal(10_000))))[0] is RefusalCode.OTHER_ACCOUNT_FUNDS


async def test_an_unknown_order_counts_as_filled(desk: Desk) -> None:
    """The database allows one open intent per leg, so the other is moved to a leg of its own by hand."""
    await desk.open(
        example.strategy(limits=example.limits(max_position_notional=Decimal(30_000))), revision="r2"
    )
    first = await desk.send("1.4")
    await desk.execute(f"update intents set leg = 9, state = 'Unknown' where id = {first.id}")
    second = await desk.decide("1.4")
    refused = await desk.claim(second)
    assert refused is not None
    assert refused.refusal is not None
    assert refused.refusal.code is RefusalCode.POSITION_NOTIONAL
    assert "48000.00" in refused.refusal.detail


async def test_a_claim_that_is_cut_off_leaves_the_intent_decided(desk: Desk) -> None:
    number = await desk.decide()
    before = await desk.everything()
    async with desk.pool.acquire() as blocker, desk.pool.acquire() as connection:
        transaction = blocker.transaction()
        await transaction.start()
        await allow_silence(blocker)
        await blocker.execute("lock table orders in share mode")
        seen = example.seen(example.ticker(time_ns=desk.now_ns))
        claiming: asyncio.Task[Claim | None] = asyncio.create_task(
            claim(connection, number, seen, desk.now_ns)
        )
        await desk.until_waiting(1, claiming)
        await blocker.execute("select pg_terminate_backend($1)", connection.get_server_pid())
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
            await claiming
        await transaction.rollback()
    assert await desk.everything() == before
    assert await desk.claim(number) is not None
