"""The claim: one transaction that checks every control and takes the right to send, once."""

import uuid
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from hedgerow.domain.days import utc_day
from hedgerow.domain.ids import client_order_id
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.orders import Side
from hedgerow.execution.account_tally import Flying, Holding, TradingDay, in_a_row, tally, usable_mids
from hedgerow.execution.claim_facts import (
    MINUTE_NS,
    SECOND_NS,
    Claimable,
    ClaimFacts,
    OtherAccount,
    Refusal,
    RefusalCode,
    VenueView,
)
from hedgerow.execution.claiming import SENDING, refused, venue_missing
from hedgerow.execution.controls import check
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import AT_VENUE, IntentState
from hedgerow.ledger.account_funds import read_other_account
from hedgerow.ledger.ceilings import decode_ceilings
from hedgerow.ledger.connection import take_halt_gate
from hedgerow.ledger.halts import halts_against
from hedgerow.ledger.intents import read_intent
from hedgerow.ledger.outcomes import move
from hedgerow.ledger.stored_config import UnreadableConfig, decode_config, decode_venue
from hedgerow.strategy.compiled import Mode

_S = TypeVar("_S", bound=msgspec.Struct)
_AT_VENUE = sorted(AT_VENUE)

# Holds the strategy's row, then its venue's, until the transaction ends: claims on one account go one by one.
_HOLD = """
    with strategy as (
        select generation, config, deleted_ns from strategies
        where uid = (select strategy_uid from intents where id = $1) for update
    ), venue as (
        select config from venues where key = (select venue from intents where id = $1) for update
    )
    select strategy.*, (select config from venue) as venue from strategy
"""

# What the controls look at, and the intent itself. A statement of its own after the locks, so that it sees what their
# last holders committed. Orders are counted by account, because that is how they are indexed by their claim's time.
_FACTS = """
    select i.*, s.key as strategy, o.client_order_id, o.claimed_ns,
        (select id from ledger_identity) as ledger, (select config from ceilings) as ceilings,
        coalesce((select quantity from positions p where (p.strategy_uid, p.mode, p.venue, p.account, p.instrument)
            = (i.strategy_uid, i.mode, i.venue, i.account, i.instrument)), 0) as position,
        coalesce((select sum(case when w.side = 'Buy' then 1 else -1 end * (w.quantity - w.filled_quantity))
            from intents w where (w.strategy_uid, w.mode, w.venue, w.account, w.instrument)
            = (i.strategy_uid, i.mode, i.venue, i.account, i.instrument)
            and w.id <> i.id and w.state = any($4)), 0) as at_venue,
        array(
            select (strategy_uid::text, instrument, quantity, entry_price, realised_pnl - fees) from positions p
            where (p.venue, p.account) = (i.venue, i.account) and (p.mode = 'Shadow') = (i.mode = 'Shadow')
        ) as holdings,
        array(
            select (w.strategy_uid::text, (w.venue, w.account) = (i.venue, i.account), w.instrument,
                w.quantity - w.filled_quantity, w.limit_price) from intents w
            where ((w.venue, w.account) = (i.venue, i.account) or w.strategy_uid = i.strategy_uid)
            and (w.mode = 'Shadow') = (i.mode = 'Shadow') and w.id <> i.id and w.state = any($4)
        ) as flying,
        array(
            select (t.strategy_uid::text, (t.venue, t.account) = (i.venue, i.account), t.turnover, t.opening_pnl, t.pnl)
            from trading_days t where ((t.venue, t.account) = (i.venue, i.account) or t.strategy_uid = i.strategy_uid)
            and t.day = $5 and (t.mode = 'Shadow') = (i.mode = 'Shadow')
        ) as days,
        array(select (d.instrument, d.side) from (
                select venue, account from leg_owners where strategy_uid = i.strategy_uid
                union select i.venue, i.account
            ) l
            join orders c on (c.venue, c.account) = (l.venue, l.account) and c.claimed_ns > $2
            join intents d on d.id = c.intent and d.strategy_uid = i.strategy_uid
            order by c.claimed_ns desc, d.id desc) as last_minute,
        array(
            select (w.id, w.state, w.venue, w.account, w.instrument, w.side, w.quantity, w.limit_price,
                coalesce((select quantity from positions p where (p.strategy_uid, p.mode, p.venue, p.account,
                p.instrument) = (w.strategy_uid, w.mode, w.venue, w.account, w.instrument)), 0))
            from intents w where w.decision = i.decision and w.id <> i.id order by w.id
        ) as companions,
        array(
            select (d.id, d.state, d.venue, d.account, d.instrument, d.side, d.quantity, d.limit_price, 0::numeric)
            from orders c join intents d on d.id = c.intent
            where (c.venue, c.account) = (i.venue, i.account) and c.claimed_ns > $6 and d.mode <> 'Shadow' order by d.id
        ) as claimed_since_funds,
        (select count(*) from orders c
            where (c.venue, c.account) = (i.venue, i.account) and c.claimed_ns > $3) as orders_last_second
    from intents i join strategies s on s.uid = i.strategy_uid left join orders o on o.intent = i.id
    where i.id = $1
"""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a claim: the intent, now `Sending`, or refused and why."""

    intent: Intent
    refusal: Refusal | None


async def claim(connection: Any, intent_id: int, seen: VenueView, now_ns: int) -> Claim | None:
    """Take the right to send an intent's one order, or refuse it for good.

    Args:
        now_ns: becomes the claim time, which the request is signed with.

    Returns:
        None when the intent is not `Decided` any more: somebody else has claimed it.
    """
    async with connection.transaction():
        await take_halt_gate(connection)
        held = await connection.fetchrow(_HOLD, intent_id)
        facts = await connection.fetchrow(
            _FACTS,
            intent_id,
            now_ns - MINUTE_NS,
            now_ns - SECOND_NS,
            _AT_VENUE,
            utc_day(now_ns),
            now_ns if seen.funds is None else seen.funds.time_ns,
        )
        if facts is None:
            raise LookupError(f"the ledger has no intent {intent_id}")
        intent = read_intent(facts)
        if intent.state is not IntentState.DECIDED:
            return None
        if held["venue"] is None:
            refusal: Refusal | None = venue_missing(intent)
        else:
            halts = await halts_against(connection, intent.strategy, [intent.venue])
            others = await _other_accounts(connection, intent, facts["companions"])
            try:
                refusal = check(_claim_facts(intent, held, facts, halts, others, seen, now_ns))
            except UnreadableConfig as error:
                refusal = Refusal(
                    code=RefusalCode.UNREADABLE,
                    detail=f"what the ledger has of its strategy or Venue: {error}",
                )
        if refusal is not None:
            return Claim(intent=await move(connection, intent, refused(refusal), now_ns), refusal=refusal)
        return Claim(intent=await _take(connection, intent, facts["ledger"], now_ns), refusal=None)


async def _take(connection: Any, intent: Intent, ledger: uuid.UUID, now_ns: int) -> Intent:
    name = client_order_id(ledger, intent.id)
    await connection.execute(
        "insert into orders (client_order_id, intent, venue, account, claimed_ns) values ($1, $2, $3, $4, $5)",
        name,
        intent.id,
        intent.venue,
        intent.account,
        now_ns,
    )
    moved = await move(connection, intent, SENDING, now_ns)
    return msgspec.structs.replace(moved, client_order_id=name, claimed_ns=now_ns)


def _claim_facts(
    intent: Intent,
    held: Any,
    facts: Any,
    halts: tuple[str, ...],
    others: Sequence[OtherAccount],
    seen: VenueView,
    now_ns: int,
) -> ClaimFacts:
    counted = tally(
        intent.strategy_uid,
        [_struct(Holding, row) for row in facts["holdings"]],
        [_struct(Flying, row) for row in facts["flying"]],
        [_struct(TradingDay, row) for row in facts["days"]],
        usable_mids(seen.tickers, now_ns),
    )
    return ClaimFacts(
        intent=intent,
        instrument=find_instrument(intent.instrument),
        config=None if held["deleted_ns"] is not None else decode_config(held["config"]),
        generation=held["generation"],
        venue=decode_venue(held["venue"]),
        ceilings=decode_ceilings(facts["ceilings"]),
        halts=halts,
        ticker=seen.tickers.get(intent.instrument),
        opened=seen.opened,
        market_problem=seen.market_problems.get(intent.instrument),
        position=facts["position"],
        at_venue=facts["at_venue"],
        account_gross_notional=counted.gross_notional,
        turnover_today=counted.turnover_today,
        loss_today=counted.loss_today,
        account_loss_today=counted.account_loss_today,
        unmarked=counted.unmarked,
        liquidation_price=None
        if intent.mode is Mode.SHADOW
        else seen.liquidation_prices.get(intent.instrument),
        funds=seen.funds,
        companions=tuple(_claimable(row) for row in facts["companions"]),
        claimed_since_funds=tuple(_claimable(row) for row in facts["claimed_since_funds"]),
        other_accounts=tuple(others),
        orders_last_minute=len(facts["last_minute"]),
        repeated_orders=in_a_row(facts["last_minute"], intent.instrument, intent.side),
        orders_last_second=facts["orders_last_second"],
        now_ns=now_ns,
    )


async def _other_accounts(connection: Any, intent: Intent, companions: Sequence[Any]) -> list[OtherAccount]:
    """Those on which legs of the same decision are."""
    legs = [_claimable(row) for row in companions]
    accounts = dict.fromkeys((leg.venue, leg.account) for leg in legs)
    accounts.pop((intent.venue, intent.account), None)
    found = [await read_other_account(connection, *account) for account in accounts]
    return [account for account in found if account is not None]


def _claimable(row: Sequence[Any]) -> Claimable:
    number, state, venue, account, instrument, side, *rest = row
    return _struct(Claimable, (number, IntentState(state), venue, account, instrument, Side(side), *rest))


def _struct(kind: type[_S], row: Sequence[Any]) -> _S:
    """A struct from the record of its fields in their order."""
    return kind(**dict(zip(kind.__struct_fields__, row, strict=True)))
