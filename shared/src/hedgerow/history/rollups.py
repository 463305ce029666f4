"""Candles and risk per minute: made anew, whole, from the rows of each marked minute.

Making one again changes nothing, and a row that comes late is in it the next time.
"""

from typing import Any

from hedgerow.history.marks import take_minutes
from hedgerow.history.tables import CANDLES_1M, CANDLES_5M, ENRICHED, MINUTE_NS, RISK_1M, RISK_EXPOSURES

MINUTES_AT_ONCE = 60

# Open and close are by time, then by the source's count; `valid` quotes only, because the others have no price.
_CANDLES_1M = f"""
    insert into {CANDLES_1M.name} ({", ".join(CANDLES_1M.columns)})
    select $1::bigint, instrument,
        (array_agg(mid order by time_ns, sequence) filter (where valid))[1],
        max(mid) filter (where valid), min(mid) filter (where valid),
        (array_agg(mid order by time_ns desc, sequence desc) filter (where valid))[1],
        avg(spread_bps) filter (where valid), max(spread_bps) filter (where valid),
        avg(bid_depth_usd) filter (where valid), avg(ask_depth_usd) filter (where valid),
        count(*) filter (where valid), count(*) filter (where not valid)
    from {ENRICHED.name} where time_ns >= $1 and time_ns < $2 group by instrument
"""
# Of five minutes, those that have a price: means are weighted by how many quotes they are of.
_CANDLES_5M = f"""
    insert into {CANDLES_5M.name} ({", ".join(CANDLES_5M.columns)})
    select $1::bigint, instrument,
        (array_agg(open order by time_ns) filter (where quotes > 0))[1],
        max(high), min(low),
        (array_agg(close order by time_ns desc) filter (where quotes > 0))[1],
        sum(spread_bps * quotes) / nullif(sum(quotes), 0), max(widest_spread_bps),
        sum(bid_depth_usd * quotes) / nullif(sum(quotes), 0), sum(ask_depth_usd * quotes) / nullif(sum(quotes), 0),
        sum(quotes)::bigint, sum(invalid)::bigint
    from {CANDLES_1M.name} where time_ns >= $1 and time_ns < $2 group by instrument
"""
_RISK_1M = f"""
    insert into {RISK_1M.name} ({", ".join(RISK_1M.columns)})
    select $1::bigint, strategy, uid, underlying,
        (array_agg(delta order by time_ns, sequence))[1], min(delta), max(delta),
        (array_agg(delta order by time_ns desc, sequence desc))[1],
        min(notional), max(notional), (array_agg(notional order by time_ns desc, sequence desc))[1],
        count(*), count(*) filter (where not ready)
    from {RISK_EXPOSURES.name} where time_ns >= $1 and time_ns < $2 group by strategy, uid, underlying
"""
_CANDLE_KEY = ("instrument", "time_ns")
_RISK_KEY = ("strategy", "uid", "underlying", "time_ns")


def _replacing(insert: str, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    new = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return f"{insert} on conflict ({', '.join(key)}) do update set {new}"


_UPSERT_1M = _replacing(_CANDLES_1M, CANDLES_1M.columns, _CANDLE_KEY)
_UPSERT_5M = _replacing(_CANDLES_5M, CANDLES_5M.columns, _CANDLE_KEY)
_UPSERT_RISK = _replacing(_RISK_1M, RISK_1M.columns, _RISK_KEY)


async def refresh_rollups(connection: Any) -> int:
    """Make the rollups of marked minutes anew, up to `MINUTES_AT_ONCE` of each kind; how many minutes that were."""
    return await _refresh_candles(connection) + await _refresh_risk(connection)


async def _refresh_candles(connection: Any) -> int:
    async with connection.transaction():
        minutes = await take_minutes(connection, ENRICHED.name, MINUTES_AT_ONCE)
        kept = await _still_whole(connection, ENRICHED.name, minutes)
        for minute in kept:
            await connection.execute(_UPSERT_1M, minute, minute + MINUTE_NS)
        for start in sorted({minute - minute % (5 * MINUTE_NS) for minute in kept}):
            await connection.execute(_UPSERT_5M, start, start + 5 * MINUTE_NS)
    return len(minutes)


async def _refresh_risk(connection: Any) -> int:
    async with connection.transaction():
        minutes = await take_minutes(connection, RISK_EXPOSURES.name, MINUTES_AT_ONCE)
        for minute in await _still_whole(connection, RISK_EXPOSURES.name, minutes):
            await connection.execute(_UPSERT_RISK, minute, minute + MINUTE_NS)
    return len(minutes)


async def _still_whole(connection: Any, source: str, minutes: list[int]) -> list[int]:
    """Those of which nothing was dropped: made anew from a rest, a rollup would forget what it knows."""
    before_ns = await connection.fetchval("select before_ns from dropped where table_name = $1", source)
    return [minute for minute in minutes if before_ns is None or minute >= before_ns]
