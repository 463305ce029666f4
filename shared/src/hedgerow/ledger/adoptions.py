"""Taking into a strategy's position what no intent of the ledger explains: a step of the strategy's chain, with who and
why."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import ZERO, plain
from hedgerow.domain.orders import Side
from hedgerow.execution.intents import VenueExecution
from hedgerow.ledger import chain
from hedgerow.ledger.hedge_positions import book_position
from hedgerow.ledger.intents import OPEN_STATES
from hedgerow.ledger.stored_config import decode_config
from hedgerow.strategy.compiled import Mode


class AdoptionRefused(ValueError):
    """The position cannot be taken over so; the message says why and what to do."""


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken in. `position`: the strategy's, signed, after it."""

    number: int
    strategy: str
    side: Side
    quantity: Decimal
    position: Decimal


class _Terms(msgspec.Struct, frozen=True, kw_only=True):
    uid: Any
    strategy: str
    mode: str
    venue: str
    account: str
    instrument: str

    @property
    def place(self) -> tuple[str, str, str, str, str]:
        return (str(self.uid), self.mode, self.venue, self.account, self.instrument)


async def adopt_position(
    connection: Any, key: str, instrument: str, position: Decimal, price: Decimal, reason: str, now_ns: int
) -> Adopted:
    """Have a strategy own what the venue holds in one of its instruments: the difference becomes its own, at a price.

    Args:
        position: signed contracts at the venue; price: what the difference was traded at, as far as is known.
        reason: who and why; it stands in the chain.

    Raises:
        AdoptionRefused: there is no such strategy or leg, something is open, or there is nothing to take over.
    """
    listing = find_instrument(instrument)
    if price <= 0 or not listing.is_on_lot(position):
        raise AdoptionRefused(
            f"{plain(position)} at {plain(price)}: write a positive price, and a multiple of the lot "
            f"{plain(listing.lot_size)}"
        )
    async with connection.transaction():
        terms = await _leg_terms(connection, key, instrument)
        await _require_nothing_open(connection, terms)
        before = await connection.fetchval(
            "select quantity from positions where (strategy_uid, mode, venue, account, instrument) "
            "= ($1, $2, $3, $4, $5)",
            *terms.place,
        )
        change = position - (before or ZERO)
        if change == 0:
            raise AdoptionRefused(
                f"{key} already holds {plain(position)} {instrument}: there is nothing to adopt"
            )
        side = Side.BUY if change > 0 else Side.SELL
        return await _adopt(connection, terms, side, abs(change), price, ZERO, None, reason, now_ns)


async def adopt_execution(
    connection: Any, venue: str, account: str, instrument: str, execution: VenueExecution, now_ns: int
) -> Adopted | None:
    """Take in an execution of an order that this ledger placed and lost; once, however often it is told.

    Returns:
        None when the ledger knows the execution or its order, or no strategy owns the instrument.
    """
    fill = execution.fill
    async with connection.transaction():
        uid = await connection.fetchval(
            "select strategy_uid from leg_owners where (venue, account, instrument) = ($1, $2, $3)",
            venue,
            account,
            instrument,
        )
        if uid is None:
            return None
        row = await connection.fetchrow("select key, config from strategies where uid = $1 for update", uid)
        known = await connection.fetchval(
            "select exists (select 1 from orders where client_order_id = $4) "
            "or exists (select 1 from fills where (venue, account, execution_id) = ($1, $2, $3)) "
            "or exists (select 1 from adoptions where (venue, account, execution_id) = ($1, $2, $3))",
            venue,
            account,
            fill.execution_id,
            execution.client_order_id,
        )
        if known:
            return None
        terms = _Terms(
            uid=uid,
            strategy=row["key"],
            mode=decode_config(row["config"]).mode.value,
            venue=venue,
            account=account,
            instrument=instrument,
        )
        reason = lost_reason(execution)
        return await _adopt(
            connection,
            terms,
            execution.side,
            fill.quantity,
            fill.price,
            fill.fee,
            fill.execution_id,
            reason,
            now_ns,
        )


def lost_reason(execution: VenueExecution) -> str:
    """Why an execution of a lost order is taken in, for the chain."""
    name = execution.client_order_id
    return f"execution {execution.fill.execution_id} of our order {name}, which the ledger lost"


async def _leg_terms(connection: Any, key: str, instrument: str) -> _Terms:
    row = await connection.fetchrow(
        "select uid, config from strategies where key = $1 and deleted_ns is null for update", key
    )
    if row is None:
        raise AdoptionRefused(f"there is no live strategy {key}")
    config = decode_config(row["config"])
    legs = [leg for leg in config.hedge_with if leg.instrument.symbol == instrument]
    if len(legs) != 1:
        names = ", ".join(f"{leg.instrument.symbol} on {leg.venue}" for leg in config.hedge_with)
        raise AdoptionRefused(f"{key} has {len(legs) or 'no'} legs in {instrument}; it hedges with {names}")
    if config.mode is Mode.SHADOW:
        raise AdoptionRefused(f"{key} is in mode Shadow: it holds nothing at the venue that could be adopted")
    return _Terms(
        uid=row["uid"],
        strategy=key,
        mode=config.mode.value,
        venue=legs[0].venue,
        account=legs[0].account,
        instrument=instrument,
    )


async def _require_nothing_open(connection: Any, terms: _Terms) -> None:
    open_intent = await connection.fetchval(
        "select min(id) from intents where (strategy_uid, venue, account, instrument) = ($1, $2, $3, $4) "
        "and state = any($5)",
        terms.uid,
        terms.venue,
        terms.account,
        terms.instrument,
        OPEN_STATES,
    )
    if open_intent is not None:
        raise AdoptionRefused(
            f"intent {open_intent} is open in {terms.instrument}: what it fills would be counted twice; halt the "
            "strategy and wait for it, or resolve it"
        )


async def _adopt(
    connection: Any,
    terms: _Terms,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    fee: Decimal,
    execution_id: str | None,
    reason: str,
    now_ns: int,
) -> Adopted:
    """The caller holds the strategy's row."""
    number = await connection.fetchval(
        "insert into adoptions (strategy_uid, mode, venue, account, instrument, side, quantity, price, fee, "
        "execution_id, reason, time_ns) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id",
        *terms.place,
        side.value,
        quantity,
        price,
        fee,
        execution_id,
        reason,
        now_ns,
    )
    _, after = await book_position(connection, terms.place, side, quantity, price, fee)
    said = chain.AdoptionTerms(
        number=number,
        mode=terms.mode,
        venue=terms.venue,
        account=terms.account,
        instrument=terms.instrument,
        side=side.value,
        price=plain(price),
        fee=plain(fee),
        execution_id=execution_id,
    )
    await chain.append(connection, terms.uid, chain.entry_of_adoption(said, quantity, reason, now_ns))
    await connection.execute("update strategies set version = version + 1 where uid = $1", terms.uid)
    return Adopted(
        number=number, strategy=terms.strategy, side=side, quantity=quantity, position=after.quantity
    )
