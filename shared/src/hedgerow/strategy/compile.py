"""From a resource to the config that the streams run on, or to everything that is wrong with it. Pure.

What a resource's shape can say is checked when it is parsed; here is checked what needs two fields or another object.
"""

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

import msgspec

from hedgerow.domain.accounts import AccountPart
from hedgerow.domain.currencies import at_par
from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import plain
from hedgerow.domain.orders import TimeInForce
from hedgerow.strategy.compile_ladder import compiled_ladder, ladder_problems
from hedgerow.strategy.compiled import (
    AccountSource,
    Band,
    BandUnit,
    BookSource,
    CompiledStrategy,
    CompiledVenue,
    Escalation,
    Execution,
    Freshness,
    FundingAware,
    InventoryRisk,
    Knot,
    Leg,
    Limits,
    Mode,
    Reevaluation,
    SentimentCurve,
    Style,
    Twap,
)
from hedgerow.strategy.fields import decimal_if, decimal_of, duration_ns
from hedgerow.strategy.problem import FieldPath, Problem, quoted, repeated
from hedgerow.strategy.spec import (
    FUNDED,
    FUNDING_SIZES_A_PART,
    CurveKnot,
    ExecutionSpec,
    FundingSpec,
    HedgeStrategy,
    HedgeStrategySpec,
    InventoryRiskRule,
    SentimentCurveRule,
)
from hedgerow.strategy.venue import Venue

_encoder = msgspec.json.Encoder(order="deterministic")
# Between the thresholds of an inventory policy's actions, in points of its score.
_LEAST_STEP = 15
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
    )
    return list(_account_problems(compiled, venues, strategies)) or compiled


def _account_problems(
    venue: CompiledVenue, venues: Mapping[str, CompiledVenue], strategies: Iterable[CompiledStrategy]
) -> Iterator[Problem]:
    at = ("spec", "account", "id")
    before = venues.get(venue.key)
    if before is not None and _account(before) != _account(venue):
        users = [item.key for item in strategies if any(leg.venue == venue.key for leg in item.hedge_with)]
        if users:
            yield Problem(
                at=at,
                wrong=f'the account cannot change from "{before.account}" to "{venue.account}" while strategies '
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
        *_rule_problems(spec, instruments),
        *_band_problems(spec, instruments),
        *_curve_problems(spec),
        *ladder_problems(spec, instruments),
        *_inventory_problems(spec),
        *_funding_problems(spec),
        *_execution_problems(spec),
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
        elif spec.mode is Mode.PAPER and venue.environment != "Paper":
            yield Problem(
                at=(*here, "venueRef", "name"),
                wrong=f'mode Paper cannot trade on "{name}", whose environment is {venue.environment}',
                right="use a Venue with environment Paper, or mode Shadow",
            )
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
        elif not at_par(instrument.quote, spec.currency):
            yield Problem(
                at=(*here, "instrument"),
                wrong=f"{leg.instrument} is quoted in {instrument.quote}, which no limit in {spec.currency} can count",
                right=f"use an instrument quoted in {spec.currency} or a stablecoin of it",
            )
        elif spec.policy.type in _BLOCKS and instrument.underlying not in hedged:
            block, rule = _BLOCKS[spec.policy.type]
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


# The block of each policy type that has a rule for each underlying, and what one of them is called. The LTV ladder is
# one for whatever the legs hedge.
_BLOCKS = {
    "Band": ("band", "band"),
    "SentimentCurve": ("sentimentCurve", "curve"),
    "InventoryRisk": ("inventoryRisk", "rule"),
}


def _rule_problems(spec: HedgeStrategySpec, instruments: Mapping[str, Instrument]) -> Iterator[Problem]:
    """What holds for the rules of underlyings, whatever the policy: each underlying once, and each with a leg."""
    if spec.policy.type not in _BLOCKS:
        return
    block, rule = _BLOCKS[spec.policy.type]
    at = ("spec", "policy", block)
    legs = [instruments[leg.instrument] for leg in spec.hedge_with if leg.instrument in instruments]
    unlisted = len(legs) < len(spec.hedge_with)
    hedged = {instrument.underlying for instrument in legs}
    for number, underlying in enumerate(spec.policy.underlyings):
        # While a leg is unlisted its underlying is unknown, and may be this one.
        if underlying not in hedged and not unlisted:
            yield Problem(
                at=(*at, number, "underlying"),
                wrong=f"no leg of spec.hedgeWith trades {underlying}",
                right=f"add a leg whose underlying is {underlying}, or drop this {rule}",
            )
    yield from repeated(spec.policy.underlyings, at, ("underlying",), f"write one {rule} for each underlying")


def _band_problems(spec: HedgeStrategySpec, instruments: Mapping[str, Instrument]) -> Iterator[Problem]:
    legs = [instruments[leg.instrument] for leg in spec.hedge_with if leg.instrument in instruments]
    for number, band in enumerate(spec.policy.bands):
        here = ("spec", "policy", "band", number)
        lower, upper = decimal_of(band.lower), decimal_of(band.upper)
        if lower >= upper:
            yield Problem(
                at=(*here, "lower"),
                wrong=f"{band.lower} is not below upper, {band.upper}",
                right="write the smaller edge as lower",
            )
        for instrument in (item for item in legs if item.underlying == band.underlying):
            lot = instrument.delta(instrument.lot_size)
            if band.unit is BandUnit.UNDERLYING and lower < upper < lower + lot:
                yield Problem(
                    at=(*here, "upper"),
                    wrong=f"the band is {plain(upper - lower)} {band.underlying} wide, less than one lot of "
                    f"{instrument.symbol}, so a hedge would leap across it",
                    right=f"make it at least {plain(lot)} {band.underlying} wide",
                )


def _curve_problems(spec: HedgeStrategySpec) -> Iterator[Problem]:
    for number, curve in enumerate(spec.policy.sentiment_curves):
        yield from _knot_problems(curve.knots, ("spec", "policy", "sentimentCurve", number, "knots"))
    reads_scores = spec.policy.type == "SentimentCurve"
    if reads_scores is not (spec.freshness.score is not None):
        yield Problem(
            at=("spec", "freshness", "score"),
            wrong="is missing, and the policy must know how old a score may be"
            if reads_scores
            else f"policy {spec.policy.type} reads no scores",
            right="write freshness.score, e.g. 3s, with policy SentimentCurve and with no other",
        )


def _knot_problems(knots: Sequence[CurveKnot], at: FieldPath) -> Iterator[Problem]:
    """Knots that are no non-decreasing curve from score 0 to score 1."""
    for number, (before, knot) in enumerate(pairwise(knots), 1):
        if decimal_of(knot.score) <= decimal_of(before.score):
            yield Problem(
                at=(*at, number, "score"),
                wrong=f"{knot.score} is not above the score before it, {before.score}",
                right="order the knots by score, each score once",
            )
        if decimal_of(knot.hedge_fraction) < decimal_of(before.hedge_fraction):
            yield Problem(
                at=(*at, number, "hedgeFraction"),
                wrong=f"{knot.hedge_fraction} is below the fraction before it, {before.hedge_fraction}",
                right="let the hedge never fall while the score rises",
            )
    ends = ((0, Decimal(0), "begin"), (len(knots) - 1, Decimal(1), "end"))
    for number, wanted, verb in ends:
        if decimal_of(knots[number].score) != wanted:
            yield Problem(
                at=(*at, number, "score"),
                wrong=f"the curve {verb}s at score {knots[number].score}",
                right=f'{verb} with score "{wanted}"',
            )


def _inventory_problems(spec: HedgeStrategySpec) -> Iterator[Problem]:
    for number, rule in enumerate(spec.policy.inventory_risks):
        here = ("spec", "policy", "inventoryRisk", number)
        if decimal_of(rule.hysteresis) >= _LEAST_STEP:
            yield Problem(
                at=(*here, "hysteresis"),
                wrong="actions are 15 points of score apart, so an action could never be lowered to the next",
                right='write hysteresis below 15, e.g. "3"',
            )
        if duration_ns(rule.volatility_half_life) < duration_ns(rule.volatility_bar):
            yield Problem(
                at=(*here, "volatilityHalfLife"),
                wrong=f"{rule.volatility_half_life} is below volatilityBar, {rule.volatility_bar}, so little but the "
                "last bar would count",
                right="make the half-life longer or the bar shorter",
            )


def _funding_problems(spec: HedgeStrategySpec) -> Iterator[Problem]:
    if spec.policy.funding is not None and spec.policy.type not in FUNDED:
        yield Problem(
            at=("spec", "policy", "funding"),
            wrong=FUNDING_SIZES_A_PART.wrong,
            right=FUNDING_SIZES_A_PART.right,
        )


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
    return (venue.type, venue.environment, venue.account)


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
        bands=tuple(
            Band(
                underlying=band.underlying,
                lower=decimal_of(band.lower),
                upper=decimal_of(band.upper),
                unit=band.unit,
            )
            for band in spec.policy.bands
        ),
        sentiment_curves=tuple(_compiled_curve(curve) for curve in spec.policy.sentiment_curves),
        loan_to_value=None
        if spec.policy.loan_to_value is None
        else compiled_ladder(spec.policy.loan_to_value),
        inventory_risks=tuple(_compiled_inventory(rule) for rule in spec.policy.inventory_risks),
        funding=_funding(spec.policy.funding),
        freshness=Freshness(
            quote_ns=duration_ns(spec.freshness.quote),
            book_ns=duration_ns(spec.freshness.book),
            score_ns=None if spec.freshness.score is None else duration_ns(spec.freshness.score),
            account_ns=duration_ns(spec.freshness.account)
            if any(source.account for source in spec.exposure)
            else None,
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


def _funding(funding: FundingSpec | None) -> FundingAware | None:
    if funding is None or not funding.aware:
        return None
    limit = funding.max_daily_cost_bps
    return FundingAware(
        max_daily_cost_bps=None if limit is None else Decimal(limit), max_age_ns=duration_ns(funding.max_age)
    )


def _compiled_curve(curve: SentimentCurveRule) -> SentimentCurve:
    return SentimentCurve(
        underlying=curve.underlying,
        knots=tuple(
            Knot(score=decimal_of(knot.score), hedge_fraction=decimal_of(knot.hedge_fraction))
            for knot in curve.knots
        ),
        max_hedge_fraction=decimal_of(curve.max_hedge_fraction),
        no_trade_notional=Decimal(0)
        if curve.no_trade_notional is None
        else decimal_of(curve.no_trade_notional),
    )


def _compiled_inventory(rule: InventoryRiskRule) -> InventoryRisk:
    times = rule.reevaluate_after
    return InventoryRisk(
        underlying=rule.underlying,
        max_loss=decimal_of(rule.max_loss),
        max_age_ns=duration_ns(rule.max_age),
        max_volatility=decimal_of(rule.max_volatility),
        max_depth_share=decimal_of(rule.max_depth_share),
        volatility_bar_ns=duration_ns(rule.volatility_bar),
        volatility_half_life_ns=duration_ns(rule.volatility_half_life),
        hysteresis=decimal_of(rule.hysteresis),
        max_cost_bps=Decimal(rule.max_cost_bps),
        no_trade_notional=decimal_if(rule.no_trade_notional) or Decimal(0),
        on_unknown_entry=rule.on_unknown_entry,
        reevaluation=Reevaluation(
            reduce_ns=duration_ns(times.reduce),
            partial_ns=duration_ns(times.partial),
            full_ns=duration_ns(times.full),
            liquidate_ns=duration_ns(times.liquidate),
        ),
    )


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
