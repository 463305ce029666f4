"""What the demo says on the screen."""

from datetime import UTC, datetime
from decimal import Decimal

from hedgerow.domain.money import ZERO, plain
from hedgerow.strategy.compiled import Band, BandUnit
from hedgerow_local.client_orders import ClientOrders
from hedgerow_local.climb import Climb, Stay
from hedgerow_local.exposure import RiskSample
from hedgerow_local.ledger_facts import Held, Standing
from hedgerow_local.report import SIDES, Facts, problems


def stage_line(name: str, seconds: float) -> str:
    return f"  {name:<28} {seconds:6.1f} s"


def status_line(
    elapsed_s: float,
    events_per_s: float,
    lag: int,
    standing: Standing,
    newest: dict[tuple[str, str], RiskSample],
) -> str:
    """One second of the session."""
    exposures = "  ".join(_held(item, newest.get((item.uid, item.band.underlying))) for item in standing.held)
    hedges = standing.hedges
    return (
        f"{elapsed_s:5.0f} s  {events_per_s:6,.0f} events/s  lag {lag:<4} {exposures}  "
        f"hedges {hedges.filled} filled of {hedges.decided}, {hedges.open} open"
    )


def net(item: Held, sample: RiskSample) -> Decimal:
    """The net exposure in the band's unit: what risk saw unhedged plus the hedge in the ledger."""
    delta = sample.delta + item.hedge
    return delta * sample.mark if item.band.unit is BandUnit.NOTIONAL else delta


def is_inside(item: Held, sample: RiskSample) -> bool:
    return item.band.lower <= net(item, sample) <= item.band.upper


def _held(item: Held, sample: RiskSample | None) -> str:
    if sample is None:
        return f"{item.strategy}: no exposure yet"
    word = "inside" if is_inside(item, sample) else "OUTSIDE"
    return f"{item.band.underlying} {_number(net(item, sample), item.band)} {word}"


def _number(value: Decimal, band: Band) -> str:
    return f"{value:+,.0f} USD" if band.unit is BandUnit.NOTIONAL else f"{value:+.4f} {band.underlying}"


def report_lines(facts: Facts) -> list[str]:
    """The report for a person."""
    lines = ["", "role                   in        out   dead"]
    lines += [
        f"{role:<14} {counts.received:>10,} {counts.sent:>10,} {counts.dead:>6,}"
        for role, counts in facts.stages.items()
    ]
    hedges = facts.hedges
    lines += ["", *_order_lines(facts.orders)]
    lines += [
        f"hedges         {hedges.decided} decided, {hedges.sent} sent, {hedges.filled} filled, "
        f"{hedges.cancelled} cancelled, {hedges.rejected} rejected, {hedges.refused} refused, "
        f"{hedges.unknown} unknown for a while, {hedges.abandoned} abandoned, {hedges.open} open",
    ]
    for item in facts.exposures:
        lines.append(
            f"exposure       {item.strategy} {item.underlying}: band [{item.lower:,f}, {item.upper:,f}] "
            f"{item.unit}, left {item.excursions} times, worst {item.worst:+,.2f}, end {item.end:+,.2f}"
        )
    for climb in facts.climbs or ():
        lines += ["", *ladder_lines(climb)]
    lines += ["", "latency (ms)                        p50       p99   count"]
    lines += [
        f"{name:<30} {times.p50:>8.2f} {times.p99:>9.2f} {times.count:>7,}"
        for name, times in facts.latencies.items()
    ]
    restarted = ", ".join(f"{name} {count}" for name, count in facts.restarts.items() if count)
    lines += ["", f"restarts       {restarted or 'none'}"]
    lines += ["", *_instrument_lines(facts)]
    if facts.first_hedge_s is not None:
        lines.append(f"first hedge    {facts.first_hedge_s:.1f} s after the start")
    found = problems(facts)
    climbed = (
        ""
        if facts.climbs is None
        else " The LTV ladder climbed to Critical and came back, hedged in each state."
    )
    lines += ["", f"OK: balanced, inside every band, nothing open.{climbed}" if not found else "NOT OK:"]
    return lines + [f"  - {problem}" for problem in found]


def ladder_lines(climb: Climb) -> list[str]:
    """One row per stay: when it began (UTC), at which LTV, and how soon what it wants of the exposure was hedged."""
    titles = ("at", "state", "LTV", "wants", "hedged", "after")
    return [
        f"ladder         {climb.strategy} {climb.underlying}",
        "".join(f"{title:>10}" for title in titles),
        *(_stay_line(stay) for stay in climb.stays),
    ]


def _stay_line(stay: Stay) -> str:
    at = datetime.fromtimestamp(stay.since_ns / 1e9, UTC)
    after = "never" if stay.hedged_ns is None else f"{(stay.hedged_ns - stay.since_ns) / 1e9:.1f} s"
    cells = (
        f"{at:%H:%M:%S}",
        stay.state,
        f"{stay.ltv:.3f}",
        f"{stay.wants:.0%}",
        f"{stay.hedged:.1%}",
        after,
    )
    return "".join(f"{cell:>10}" for cell in cells)


def _instrument_lines(facts: Facts) -> list[str]:
    """One row per instrument hedged with, whether it was traded in this session or before."""
    counts = {item.instrument: item for item in facts.instruments}
    columns = ("decided", "filled", "fills", "bought", "sold")
    sides = [getattr(facts.accounts, side) for side in SIDES]
    lines = [f"{'instrument':<20}" + "".join(f"{name:>12}" for name in (*columns, *SIDES))]
    for name in sorted({*counts, *facts.accounts.ledger}):
        item = counts.get(name)
        numbers = [plain(Decimal(getattr(item, column))) if item else "0" for column in columns]
        numbers += [plain(side.get(name, ZERO)) for side in sides]
        lines.append(f"{name:<20}" + "".join(f"{number:>12}" for number in numbers))
    return lines


def _order_lines(orders: ClientOrders) -> list[str]:
    said, own = orders.generator, orders.own
    lines = [
        f"client orders  {said.posted} posted, {said.accepted} accepted, {said.filled} filled, "
        f"{said.cancelled} cancelled; in the ledger {own.accepted}, {own.filled}, {own.cancelled}; "
        f"the gateway counted {orders.gateway_received} received, {orders.gateway_filled} filled"
    ]
    for what, counts in (
        ("refused", said.refused),
        ("not posted for want of a quote", said.unpriced),
        ("requests sent again", said.unanswered),
    ):
        if counts:
            lines.append(
                f"               {what}: {', '.join(f'{name} {count}' for name, count in counts.items())}"
            )
    return lines
