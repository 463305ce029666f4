"""Real venues and mode Live: what is refused, and what it is compiled to."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest
from compile_examples import LISTED, PAPER, VENUE, VENUES, compiled, leg, parsed, problems

from hedgerow.strategy.compile import compile_strategy, compile_venue
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue, Mode
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.problem import Problem
from hedgerow.strategy.venue import Venue


def real(environment: str) -> dict[str, CompiledVenue]:
    """The Venue of the examples as a real one."""
    return {PAPER.key: msgspec.structs.replace(PAPER, type="Ccxt", environment=environment)}


def venue_of(**changes: Any) -> CompiledVenue | list[Problem]:
    data = deepcopy(VENUE)
    for name, value in changes.items():
        if value is None:
            del data["spec"][name]
        else:
            data["spec"][name] = value
    resource = parse_resource(data)
    assert isinstance(resource, Venue), resource
    return compile_venue(resource, {}, [])


def test_live_trades_only_on_a_real_venue_and_takes_its_prices_from_there() -> None:
    live = parsed(lambda spec: spec.update(mode="Live"))
    assert problems(compile_strategy(live, VENUES, LISTED)) == [
        'spec.hedgeWith[0].venueRef.name: mode Live cannot trade on "paper", whose environment is Paper; '
        "use a Venue with environment Testnet or Mainnet, or mode Shadow"
    ]
    config = compile_strategy(live, real("Testnet"), LISTED)
    assert isinstance(config, CompiledStrategy)
    assert (config.mode, config.priced_by) == (Mode.LIVE, "bybit Testnet")
    for mode in ("Shadow", "Paper"):
        assert compiled(lambda spec, mode=mode: spec.update(mode=mode)).priced_by == ""  # type: ignore[misc]


def test_live_on_a_mainnet_needs_its_limits() -> None:
    def edit(spec: dict[str, Any]) -> None:
        spec["mode"] = "Live"

    def limited(spec: dict[str, Any]) -> None:
        edit(spec)
        spec["limits"].update(maxDailyTurnover="3000000", maxDailyLoss="25000", minLiquidationDistance="0.25")

    found = problems(compile_strategy(parsed(edit), real("Mainnet"), LISTED))
    assert [text.partition(":")[0] for text in found] == [
        "spec.limits.maxDailyTurnover",
        "spec.limits.maxDailyLoss",
        "spec.limits.minLiquidationDistance",
    ]
    assert "mode Live on a Mainnet trades real money within limits" in found[0]
    config = compile_strategy(parsed(limited), real("Mainnet"), LISTED)
    assert isinstance(config, CompiledStrategy)
    assert config.priced_by == "bybit Mainnet"
    watching = parsed(lambda spec: spec.update(mode="Shadow"))
    assert isinstance(compile_strategy(watching, real("Mainnet"), LISTED), CompiledStrategy)


@pytest.mark.parametrize("mode", ["Shadow", "Live"])
def test_what_only_the_built_in_exchange_trades_is_no_leg_on_a_real_venue(mode: str) -> None:
    def edit(spec: dict[str, Any]) -> None:
        spec["mode"] = mode
        spec["hedgeWith"][0].update(instrument="SPX/USD:USD-301220")
        spec["policy"]["band"][0].update(underlying="SPX")

    (problem,) = problems(compile_strategy(parsed(edit), real("Testnet"), LISTED))
    assert problem == (
        "spec.hedgeWith[0].instrument: SPX/USD:USD-301220 is traded on the built-in exchange only, and paper is bybit; "
        'use one of: "BTC/USDC:USDC", "BTC/USDT:USDT", "ETH/USDT:USDT"; or a Venue of type Builtin'
    )


def test_live_on_two_environments_has_no_prices_that_fit_both() -> None:
    def edit(spec: dict[str, Any]) -> None:
        spec["mode"] = "Live"
        spec["hedgeWith"].append(leg(priority=2) | {"venueRef": {"name": "other"}})

    testnet = real("Testnet")
    other = msgspec.structs.replace(testnet[PAPER.key], name="other", environment="Mainnet")
    found = problems(compile_strategy(parsed(edit), {**testnet, other.key: other}, LISTED))
    assert 'these legs trade on "bybit Mainnet", "bybit Testnet"' in found[-1]


def test_a_real_venue_is_compiled_with_its_exchange_and_trading_disabled() -> None:
    found = venue_of(type="Ccxt", ccxt={"id": "bybit"}, environment="Testnet", trading=None)
    assert isinstance(found, CompiledVenue)
    assert (found.exchange, found.environment, found.trading_enabled) == ("bybit", "Testnet", False)
    assert (found.is_builtin, found.prices) == (False, "bybit Testnet")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "Ccxt", "ccxt": {"id": "bybit"}}, "spec.environment: environment Paper and type Builtin"),
        ({"environment": "Testnet"}, "spec.environment: environment Paper and type Builtin"),
        ({"type": "Ccxt", "environment": "Testnet"}, "spec.ccxt: type Ccxt says by ccxt.id which venue"),
        ({"ccxt": {"id": "bybit"}}, "spec.ccxt: type Ccxt says by ccxt.id which venue"),
        (
            {"type": "Ccxt", "ccxt": {"id": "bybit"}, "environment": "Mainnet"},
            "spec.limits.maxDailyLoss: real money is traded within a limit of loss",
        ),
    ],
)
def test_a_venue_that_does_not_fit_together_is_refused_in_words(
    changes: dict[str, Any], expected: str
) -> None:
    (problem,) = problems(venue_of(**changes))
    assert problem.startswith(expected)


def test_a_venue_does_not_become_another_while_a_strategy_hedges_on_it() -> None:
    before = venue_of(type="Ccxt", ccxt={"id": "bybit"}, environment="Testnet")
    assert isinstance(before, CompiledVenue)
    data = deepcopy(VENUE)
    data["spec"].update(type="Ccxt", ccxt={"id": "bybit"}, environment="Mainnet")
    data["spec"]["limits"]["maxDailyLoss"] = "100000"
    after = parse_resource(data)
    assert isinstance(after, Venue)
    config = compile_strategy(parsed(lambda spec: spec.update(mode="Live")), real("Testnet"), LISTED)
    assert isinstance(config, CompiledStrategy)
    (problem,) = problems(compile_venue(after, {before.key: before}, [config]))
    assert problem.startswith(
        'spec.environment: the venue cannot change from "bybit Testnet" to "bybit Mainnet" while strategies hedge on it'
    )
    assert isinstance(compile_venue(after, {before.key: before}, []), CompiledVenue)


def test_the_built_in_exchanges_venue_keeps_the_revision_that_it_had() -> None:
    found = venue_of()
    assert isinstance(found, CompiledVenue)
    assert "exchange" not in msgspec.to_builtins(found)
