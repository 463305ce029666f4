"""Which mode may trade in which environment, and what mode Live asks for besides. Pure."""

from collections.abc import Iterator, Mapping

from hedgerow.domain.price_sources import TAPE
from hedgerow.strategy.compiled import ENVIRONMENTS, CompiledVenue, Mode
from hedgerow.strategy.problem import FieldPath, Problem, quoted
from hedgerow.strategy.spec import HedgeStrategySpec


def mode_problems(spec: HedgeStrategySpec, at: FieldPath, venue: CompiledVenue) -> Iterator[Problem]:
    """Why a leg's Venue is none for the strategy's mode."""
    allowed = ENVIRONMENTS[spec.mode]
    if venue.environment not in allowed:
        yield Problem(
            at=at,
            wrong=f'mode {spec.mode} cannot trade on "{venue.name}", whose environment is {venue.environment}',
            right=f"use a Venue with environment {' or '.join(allowed)}, or mode Shadow",
        )


def live_problems(spec: HedgeStrategySpec, venues: Mapping[str, CompiledVenue]) -> Iterator[Problem]:
    """Why a strategy must not trade for real: limits that Mainnet asks for, and prices of more than one venue."""
    if spec.mode is not Mode.LIVE:
        return
    used = [venues[leg.venue_ref.name] for leg in spec.hedge_with if leg.venue_ref.name in venues]
    if any(venue.environment == "Mainnet" for venue in used):
        limits = spec.limits.model_dump(by_alias=True)
        for name in ("maxDailyTurnover", "maxDailyLoss", "minLiquidationDistance"):
            if limits[name] is None:
                yield Problem(
                    at=("spec", "limits", name),
                    wrong="is missing, and mode Live on a Mainnet trades real money within limits",
                    right="give it, and try it in mode Live on the venue's Testnet first",
                )
    sources = {venue.prices for venue in used}
    if len(sources) > 1:
        yield Problem(
            at=("spec", "hedgeWith"),
            wrong=f"mode Live takes every price from where it trades, and these legs trade on {quoted(sources)}",
            right="use Venues of one exchange and environment, and another strategy for the others",
        )


def priced_by(spec: HedgeStrategySpec, venues: Mapping[str, CompiledVenue]) -> str:
    """Where every price must come from; any source will do while nothing real is traded."""
    return venues[spec.hedge_with[0].venue_ref.name].prices if spec.mode is Mode.LIVE else TAPE
