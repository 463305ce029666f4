"""A halt in the middle of a rush, and a long time of load with bursts."""

import asyncio
import json
import time
import urllib.request
from statistics import linear_regression, quantiles
from typing import Any

import psutil
import pytest

from faults import invariants
from faults.rig import Rig
from faults.scenario import scenario, size
from hedgerow.ledger.connection import allow_silence, connect

pytestmark = pytest.mark.timeout(7200)
# Clients' orders a second, besides the rig's own.
RUSH = "100"
RUSH_S = 3.0
# No order may reach the venue later than this after the halt was asked for.
HALTED_WITHIN_S = 1.0
QUIET_S = 2.5
SAMPLE_S = 2.0
BURST_EVERY_S, BURST_S = 60.0, 10.0
WORKERS_WATCHED = ("states", "hedging", "executor", "exchange")


async def test_halt_in_a_rush(rig: Rig) -> None:
    """No order reaches the venue later than `HALTED_WITHIN_S` after a halt was asked for; then it is released."""
    halts = size(full=20, short=1)
    clients = _rushing_clients(rig)
    async with scenario(
        rig, "halt in a rush of clients", "20 halts in 100 orders/s", f"{halts} halts"
    ) as run:
        clients.start()
        rates, to_halt_s = [], []
        for _ in range(halts):
            began, before = time.monotonic(), await _orders(rig)
            await asyncio.sleep(RUSH_S)
            rates.append((await _orders(rig) - before) / (time.monotonic() - began))
            to_halt_s.append(await _halt_and_release(rig))
            await run.recovered("the halt")
        await rig.stop_worker("rush")
        run.noted.append(
            f"clients sent up to {RUSH}/s, the venue got {sum(rates) / len(rates):.1f} hedges/s; last order reached "
            f"the venue {1e3 * max(to_halt_s):.0f} ms after the halt was asked for (slowest of {halts})"
        )
        assert max(to_halt_s) <= HALTED_WITHIN_S


async def test_halt_past_a_stopped_worker(rig: Rig) -> None:
    """Hedging is stopped inside its decision, with its share of the halt gate: a halt lands all the same."""
    stops = size(full=20, short=1)
    name = "halt past a stopped worker"
    async with scenario(rig, name, "20 stops", f"{stops} stops") as run:
        to_halt_s = []
        for _ in range(stops):
            await _stop_inside_its_decision(rig)
            try:
                began = time.monotonic()
                body = {"target": {"kind": "All"}, "reason": "a drill"}
                halt = await asyncio.to_thread(_call, rig, "POST", "/halts", body)
                to_halt_s.append(time.monotonic() - began)
                assert rig.workers["hedging"].is_paused()
            finally:
                rig.workers["hedging"].resume()
            await asyncio.to_thread(_call, rig, "DELETE", f"/halts/{halt['id']}", None)
            await run.recovered("the stop")
        run.noted.append(f"a halt landed within {1e3 * max(to_halt_s):.0f} ms (slowest of {stops})")


async def _stop_inside_its_decision(rig: Rig) -> None:
    """Hold its transaction back at a table, stop it there, and let the server go on."""
    waits = (
        "select count(*) > 0 from pg_stat_activity where application_name = 'hedgerow-hedging' "
        "and wait_event_type = 'Lock'"
    )
    connection = await connect(rig.ledger_dsn, "rig")
    try:
        async with connection.transaction():
            await allow_silence(connection)
            await connection.execute("lock table decisions in share mode")
            await rig.until(lambda: rig.ledger.fetchval(waits), "hedging is inside a decision", 60)
            rig.workers["hedging"].pause()
    finally:
        await connection.close()


async def test_load_with_bursts(rig: Rig) -> None:
    """I1 to I8 after a long time of load; how memory grew in its second half."""
    seconds = size(full=3_600, short=8)
    async with scenario(rig, "load with bursts", "3,600 s", f"{seconds} s") as run:
        clients = _rushing_clients(rig)
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in WORKERS_WATCHED}
        began, before = time.monotonic(), await _orders(rig)
        while (elapsed_s := time.monotonic() - began) < seconds:
            bursting = elapsed_s % BURST_EVERY_S < BURST_S
            if bursting and not clients.is_alive():
                clients.start()
            elif not bursting and clients.is_alive():
                await rig.stop_worker("rush")
            for name in WORKERS_WATCHED:
                memory = psutil.Process(rig.workers[name].pid).memory_info().rss / 2**20
                samples[name].append((elapsed_s, memory))
            await asyncio.sleep(SAMPLE_S)
        await rig.stop_worker("rush")
        orders = await _orders(rig) - before
        run.noted.append(f"{orders / seconds:.1f} hedges/s")
        run.noted += [_growth(name, found, seconds) for name, found in samples.items()]
        answers = await rig.ledger.fetch(
            "select (concluded_ns - decided_ns) / 1e6 as ms from intents where state = 'Filled' "
            "order by id desc limit $1",
            orders,
        )
        cuts = quantiles((float(row["ms"]) for row in answers), n=100)
        run.noted.append(f"decided to concluded p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms")


def _rushing_clients(rig: Rig) -> Any:
    environment = {"HEDGEROW_ORDERS_PER_SECOND": RUSH, "HEDGEROW_ORDERS_SEED": "11"}
    return rig.workers.get("rush") or rig.add("rush", ("order-generator",), environment)


def _growth(name: str, samples: list[tuple[float, float]], seconds: int) -> str:
    late = [(at, memory) for at, memory in samples if at >= seconds / 2]
    if len(late) < 3:
        return f"{name} {samples[-1][1]:.0f} MiB"
    slope = linear_regression([at for at, _ in late], [memory for _, memory in late]).slope
    return f"{name} {late[-1][1]:.0f} MiB, {3_600 * slope:+.1f} MiB/h"


async def _orders(rig: Rig) -> int:
    return int(await rig.ledger.fetchval("select count(*) from orders"))


async def _halt_and_release(rig: Rig) -> float:
    """Seconds from the request to the last order that the venue got; nothing came after `QUIET_S`."""
    asked_ns, before = time.time_ns(), rig.journal.stat().st_size
    body = {"target": {"kind": "All"}, "reason": "a drill"}
    halt = await asyncio.to_thread(_call, rig, "POST", "/halts", body)
    await asyncio.sleep(QUIET_S)
    last_ns = max(invariants.order_times_ns(rig.journal, before).values(), default=asked_ns)
    await asyncio.to_thread(_call, rig, "DELETE", f"/halts/{halt['id']}", None)
    return max(last_ns - asked_ns, 0) / 1e9


def _call(rig: Rig, method: str, path: str, body: object) -> Any:
    key = (rig.folder / "gateway-keys" / "risk" / "key").read_text().strip()
    request = urllib.request.Request(
        rig.gateway_url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())
