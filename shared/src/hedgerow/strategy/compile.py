"""From a resource to the config that the streams run on, or to everything that is wrong with it. Pure.

What a resource's shape can say is checked when it is parsed; here is checked what needs two fields or another object.
"""

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from decimal import Decimal

import msgspec

from hedgerow.domain.accounts import AccountPart
from hedgerow.domain.currencies import at_par
from hedgerow.domain.instruments import Instrument
from hedgerow.domain.orders import TimeInForce
from hedgerow.strategy.compile_ladder import compiled_ladder, ladder_problems
from hedgerow.strategy.compile_modes import live_problems, mode_problems, priced_by
from hedgerow.strategy.compile_policies import (
    RULE_BLOCKS,
    compiled_band,
    compiled_curve,
    compiled_funding,
    compiled_inventory,
    policy_problems,
)
from hedgerow.strategy.compiled import (
    BUILTIN_DIALECT,
    AccountSource,
    BookSource,
    CompiledStrategy,
    CompiledVenue,
    Escalation,
    Execution,
    Freshness,
    Leg,
    Limits,
    Style,
    Twap,
)
from hedgerow.strategy.fields import decimal_if, decimal_of, duration_ns
from hedgerow.strategy.problem import FieldPath, Problem, quoted, repeated
from hedgerow.strategy.spec import (
    ExecutionSpec,
    HedgeStrategy,
    HedgeStrategySpec,
)
from hedgerow.strategy.venue import (
    MAINNET_LIMITS_ITS_LOSS,
    NAMES_ITS_EXCHANGE,
    PAPER_IS_BUILTIN,
    Venue,
    VenueSpec,
)

_encoder = msgspec.json.Encoder(order="deterministic")
REVISION_DIGITS = 12


def revision_of(config: CompiledStrategy | CompiledVenue) -> str:
    """The name of a compiled config: equal configs have equal revisions, however their resources were written."""
    return hashlib.sha256(_encoder.encode(config)).hexdigest()[:REVISION_DIGITS]


def compile_venue(
    resource: Venue, venues: Mapping[str, CompiledVenue], strategies: Iterable[CompiledStrategy]
) -> CompiledVenue | list[Problem]:
    """A venue as the executor needs it, or every problem at once.

    Args:
        venues: those that are there, by `namespace/name`.
        strategies: those that are live, whose legs may be on this venue.
    """
    spec = resource.spec
    compiled = CompiledVenue(
        namespace=resource.metadata.namespace,
        name=resource.metadata.name,
        type=spec.type,
        environment=spec.environment,
        trading_enabled=spec.trading == "Enabled",
        account=spec.account.id,
        max_gross_notional=decimal_of(spec.limits.max_gross_notional),
        orders_per_second=spec.limits.orders_per_second,
        max_daily_loss=decimal_if(spec.limits.max_daily_loss),
        exchange=BUILTIN_DIALECT if spec.ccxt is None else spec.ccxt.id,
    )
    return [*_venue_problems(spec), *_account_problems(compiled, venues, strategies)] or compiled


def _venue_problems(spec: VenueSpec) -> Iterator[Problem]:
    wrong = (
        (PAPER_IS_BUILTIN, ("environment",), (spec.type == "Builtin") != (spec.environment == "Paper")),
        (NAMES_ITS_EXCHANGE, ("ccxt",), (spec.type == "Ccxt") != (spec.ccxt is not None)),
        (
            MAINNET_LIMITS_ITS_LOSS,
            ("limits", "maxDailyLoss"),
            spec.environment == "Mainnet" and spec.limits.max_daily_loss is None,
        ),
    )
    for rule, at, broken in wrong:
        if broken:
            yield Problem(at=("spec", *at), wrong=rule.wrong, right=rule.right)


def _account_problems(
    venue: CompiledVenue, venues: Mapping[str, CompiledVenue], strategies: Iterable[CompiledStrategy]
) -> Iterator[Problem]:
    at = ("spec", "account", "id")
    before = venues.get(venue.key)
    if before is not None and _account(before) != _account(venue):
        users = [item.key for item in strategies if any(leg.venue == venue.key for leg in item.hedge_with)]
        moved = before.prices != venue.prices
        was, becomes = (before.prices, venue.prices) if moved else (before.account, venue.account)
        what = "venue" if moved else "account"
        if users:
            yield Problem(
                at=("spec", "environment") if moved else at,
                wrong=f'the {what} cannot change from "{was}" to "{becomes}" while strategies '
                f"hedge on it: {quoted(users)}",
                right="delete those strategies first, or declare a Venue of another name",
            )
    for other in venues.values():
        if other.key != venue.key and _account(other) == _account(venue):
            yield Problem(
                at=at,
                wrong=f'"{venue.account}" is already the account of Venue {other.key}',
                right="use that Venue, or another account: limits hold for one account under one name",
            )


def compile_strategy(
    resource: HedgeStrategy, venues: Mapping[str, CompiledVenue], instruments: Mapping[str, Instrument]
) -> CompiledStrategy | list[Problem]:
    """A strategy as the streams run it, or every problem at once.

    Args:
        venues: by `namespace/name`; a strategy sees those of its own namespace.
        instruments: by unified symbol.
    """
    spec, namespace = resource.spec, resource.metadata.namespace
    known = {venue.name: venue for venue in venues.values() if venue.namespace == namespace}
    problems = [
        *_exposure_problems(spec, namespace, known),
        *_leg_problems(spec, namespace, known, instruments),
        *policy_problems(spec, instruments),
        *ladder_problems(spec, instruments),
        *_execution_problems(spec),
        *live_problems(spec, known),
    ]
    return problems or _compiled(resource, known, instruments)


def _exposure_problems(
    spec: HedgeStrategySpec, namespace: str, venues: Mapping[str, CompiledVenue]
) -> Iterator[Problem]:
    at = ("spec", "exposure")
    names = {number: source.name for number, source in enumerate(spec.exposure)}
    yield from repeated(names, at, ("name",), "give each source a name of its own")
    books = {number: source.book.name for number, source in enumerate(spec.exposure) if source.book}
    yield from repeated(books, at, ("book", "name"), "count each book once")
    accounts = {number: source.account for number, source in enumerate(spec.exposure) if source.account}
    named = {number: account.venue_ref.name for number, account in accounts.items()}
    yield from repeated(named, at, ("account", "venueRef", "name"), "count each account once")
    for number, account in accounts.items():
        here, name = (*at, number, "account"), account.venue_ref.name
        if name not in venues:
            yield _no_venue((*here, "venueRef", "name"), name, namespace, venues)
        parts = dict(enumerate(account.count))
        yield from repeated(parts, (*here, "count"), (), "count each part once")


def _no_venue(at: FieldPath, name: str, namespace: str, venues: Mapping[str, CompiledVenue]) -> Problem:
    return Problem(
        at=at,
        wrong=f'there is no Venue "{name}" in namespace "{namespace}"',
        right=f"apply it first, or use one of: {quoted(venues)}",
    )


def _leg_problems(
    spec: HedgeStrategySpec,
    namespace: str,
    venues: Mapping[str, CompiledVenue],
    instruments: Mapping[str, Instrument],
) -> Iterator[Problem]:
    at = ("spec", "hedgeWith")
    hedged = set(spec.policy.underlyings)
    for number, leg in enumerate(spec.hedge_with):
        here, name = (*at, number), leg.venue_ref.name
        venue, instrument = venues.get(name), instruments.get(leg.instrument)
        if venue is None:
            yield _no_venue((*here, "venueRef", "name"), name, namespace, venues)
        else:
            yield from mode_problems(spec, (*here, "venueRef", "name"), venue)
        if instrument is None:
            yield Problem(
                at=(*here, "instrument"),
                wrong=f'"{leg.instrument}" is not listed',
                right=f"listed are: {quoted(instruments)}",
            )
        elif not instrument.can_hedge:
            hedges = [item.symbol for item in instruments.values() if item.can_hedge]
            yield Problem(
                at=(*here, "instrument"),
                wrong=f"{leg.instrument} is {_why_no_hedge(instrument)}",
                right=f"use one of: {quoted(hedges)}",
            )
        elif venue is not None and not venue.is_builtin and not instrument.is_traded_for_real:
            real = [
                item.symbol for item in instruments.values() if item.can_hedge and item.is_traded_for_real
            ]
            yield Problem(
                at=(*here, "instrument"),
                wrong=f"{leg.instrument} is traded on the built-in exchange only, and {name} is {venue.exchange}",
                right=f"use one of: {quoted(real)}; or a Venue of type Builtin",
            )
        elif not at_par(instrument.quote, spec.currency):
            yield Problem(
                at=(*here, "instrument"),
                wrong=f"{leg.instrument} is quoted in {instrument.quote}, which no limit in {spec.currency} can count",
                right=f"use an instrument quoted in {spec.currency} or a stablecoin of it",
            )
        elif spec.policy.type in RULE_BLOCKS and instrument.underlying not in hedged:
            block, rule = RULE_BLOCKS[spec.policy.type]
            yield Problem(
                at=(*here, "instrument"),
                wrong=f"no {rule} says when {instrument.underlying} is hedged",
                right=f"add a {rule} with underlying {instrument.underlying} to spec.policy.{block}, or drop this leg",
            )
    legs = [f"{leg.instrument} on {leg.venue_ref.name}" for leg in spec.hedge_with]
    yield from repeated(legs, at, ("instrument",), "name each Venue's instrument once")
    priorities = [leg.priority for leg in spec.hedge_with]
    yield from repeated(priorities, at, ("priority",), "give each leg a priority of its own")


def _why_no_hedge(instrument: Instrument) -> str:
    if not instrument.is_tradable:
        return "an index, which has a price but is not tradable"
    return "a coin, and a hedge needs an instrument that can be sold short"


def _execution_problems(spec: HedgeStrategySpec) -> Iterator[Problem]:
    execution, limits = spec.execution, spec.limits
    yield from _style_problems(execution)
    if decimal_of(execution.clip_notional) > decimal_of(limits.max_order_notional):
        yield Problem(
            at=("spec", "execution", "clipNotional"),
            wrong=f"{execution.clip_notional} is above spec.limits.maxOrderNotional, {limits.max_order_notional}, "
            "so every full clip would be refused",
            right="lower the clip or raise the limit",
        )
    if execution.max_slippage_bps > limits.price_collar_bps:
        yield Problem(
            at=("spec", "execution", "maxSlippageBps"),
            wrong=f"{execution.max_slippage_bps} is above spec.limits.priceCollarBps, {limits.price_collar_bps}, "
            "so every order would be refused",
            right="allow less slippage or widen the collar",
        )
    distance = limits.min_liquidation_distance
    if distance is not None and decimal_of(distance) >= 1:
        yield Problem(
            at=("spec", "limits", "minLiquidationDistance"),
            wrong="it is a ratio of the price, so nothing could be 1 or more away below it",
            right='write it below 1, e.g. "0.25"',
        )


def _style_problems(execution: ExecutionSpec) -> Iterator[Problem]:
    at = ("spec", "execution")
    has_its_block = (execution.style is Style.TWAP) == (execution.twap is not None) and (
        execution.style is Style.ESCALATION
    ) == (execution.escalation is not None)
    if not has_its_block:
        yield Problem(
            at=at,
            wrong="exactly the block that `style` names belongs here",
            right="write execution.twap with style Twap, execution.escalation with style Escalation, and none with "
            "Clips",
        )
    twap = execution.twap
    if twap is not None and duration_ns(twap.duration) < twap.slices * duration_ns(execution.cooldown):
        yield Problem(
            at=(*at, "twap", "slices"),
            wrong=f"{twap.slices} slices in {twap.duration} come faster than the cooldown, {execution.cooldown}, lets "
            "them",
            right="make fewer slices, a longer duration or a shorter cooldown",
        )


def _account(venue: CompiledVenue) -> Hashable:
    return (venue.exchange, venue.environment, venue.account)


def _compiled(
    resource: HedgeStrategy, venues: Mapping[str, CompiledVenue], instruments: Mapping[str, Instrument]
) -> CompiledStrategy:
    spec = resource.spec
    return CompiledStrategy(
        namespace=resource.metadata.namespace,
        name=resource.metadata.name,
        mode=spec.mode,
        suspend=spec.suspend,
        currency=spec.currency,
        exposure=tuple(
            BookSource(name=source.name, book=source.book.name) for source in spec.exposure if source.book
        ),
        accounts=tuple(_accounts(spec, venues)),
        hedge_with=tuple(_legs_by_priority(spec, venues, instruments)),
        bands=tuple(compiled_band(band) for band in spec.policy.bands),
        sentiment_curves=tuple(compiled_curve(curve) for curve in spec.policy.sentiment_curves),
        loan_to_value=None
        if spec.policy.loan_to_value is None
        else compiled_ladder(spec.policy.loan_to_value),
        inventory_risks=tuple(compiled_inventory(rule) for rule in spec.policy.inventory_risks),
        funding=compiled_funding(spec.policy.funding),
        priced_by=priced_by(spec, venues),
        freshness=Freshness(
            quote_ns=duration_ns(spec.freshness.quote),
            book_ns=duration_ns(spec.freshness.book),
            score_ns=None if spec.freshness.score is None else duration_ns(spec.freshness.score),
            account_ns=duration_ns(spec.freshness.account)
            if any(source.account for source in spec.exposure)
            else None,
            on_stale=spec.freshness.on_stale,
        ),
        execution=_execution(spec.execution),
        limits=Limits(
            max_order_notional=decimal_of(spec.limits.max_order_notional),
            max_position_notional=decimal_of(spec.limits.max_position_notional),
            max_orders_per_minute=spec.limits.max_orders_per_minute,
            price_collar_bps=Decimal(spec.limits.price_collar_bps),
            max_daily_turnover=decimal_if(spec.limits.max_daily_turnover),
            max_daily_loss=decimal_if(spec.limits.max_daily_loss),
            min_liquidation_distance=decimal_if(spec.limits.min_liquidation_distance),
            max_repeated_orders=spec.limits.max_repeated_orders,
        ),
    )


def _accounts(spec: HedgeStrategySpec, venues: Mapping[str, CompiledVenue]) -> Iterator[AccountSource]:
    for source in spec.exposure:
        if source.account is not None:
            venue = venues[source.account.venue_ref.name]
            # In one order, so that the same declaration in another has the same revision.
            count = tuple(part for part in AccountPart if part in source.account.count)
            yield AccountSource(name=source.name, venue=venue.key, account=venue.account, count=count)


def _execution(spec: ExecutionSpec) -> Execution:
    ladder = spec.escalation
    return Execution(
        clip_notional=decimal_of(spec.clip_notional),
        time_in_force=TimeInForce(spec.time_in_force),
        max_slippage_bps=Decimal(spec.max_slippage_bps),
        cooldown_ns=duration_ns(spec.cooldown),
        unknown_deadline_ns=duration_ns(spec.unknown_deadline),
        twap=None
        if spec.twap is None
        else Twap(duration_ns=duration_ns(spec.twap.duration), slices=spec.twap.slices),
        escalation=None
        if ladder is None
        else Escalation(
            passive_ns=duration_ns(ladder.passive_for),
            inside_ticks=ladder.inside_ticks,
            reprice_ticks=ladder.reprice_ticks,
            aggressive_ns=duration_ns(ladder.aggressive_for),
            second_instrument_ns=duration_ns(ladder.second_instrument_for),
            retry_ns=duration_ns(ladder.retry_after),
        ),
        together=spec.legs == "Together",
    )


def _legs_by_priority(
    spec: HedgeStrategySpec, venues: Mapping[str, CompiledVenue], instruments: Mapping[str, Instrument]
) -> Iterable[Leg]:
    """Legs, most preferred first. `index` is the position in the resource's `hedgeWith`, whatever the priority:
    the ledger knows a leg by it, so a changed priority must not rename one."""
    numbered = sorted(enumerate(spec.hedge_with), key=lambda item: item[1].priority)
    for index, leg in numbered:
        venue = venues[leg.venue_ref.name]
        yield Leg(index=index, venue=venue.key, account=venue.account, instrument=instruments[leg.instrument])
