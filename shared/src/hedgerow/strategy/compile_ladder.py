"""The LTV ladder of a resource: what is wrong with it, and the config that the streams run on. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import combinations, pairwise

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.loans import ASSETS
from hedgerow.domain.money import plain
from hedgerow.strategy.compiled import Haircut, LoanToValue, LtvStep, LtvTarget
from hedgerow.strategy.fields import decimal_if, decimal_of, duration_ns
from hedgerow.strategy.loan_to_value import (
    FRACTIONS_RISE,
    HYSTERESIS_FITS,
    LIQUIDATION_LAST,
    ONE_TARGET,
    STEPS_RISE,
    LoanToValueSpec,
    LtvStepSpec,
    LtvTargetSpec,
)
from hedgerow.strategy.problem import FieldPath, Problem, quoted, repeated
from hedgerow.strategy.spec import HedgeStrategySpec

_AT: FieldPath = ("spec", "policy", "loanToValue")


def ladder_problems(spec: HedgeStrategySpec, instruments: Mapping[str, Instrument]) -> Iterator[Problem]:
    """Everything that is wrong with `policy.loanToValue`, should there be one."""
    ladder = spec.policy.loan_to_value
    if ladder is None:
        return
    sources = [source.name for source in spec.exposure]
    if ladder.debt.exposure_name not in sources:
        yield Problem(
            at=(*_AT, "debt", "exposureName"),
            wrong=f'no source in spec.exposure is named "{ladder.debt.exposure_name}"',
            right=f"name the one that tells the loans, one of: {quoted(sources)}",
        )
    yield from _haircut_problems(ladder)
    yield from _target_problems(ladder, spec, instruments)
    yield from _threshold_problems(ladder)


def _haircut_problems(ladder: LoanToValueSpec) -> Iterator[Problem]:
    at = (*_AT, "haircuts")
    assets = [item.asset for item in ladder.haircuts]
    yield from repeated(assets, at, ("asset",), "write one haircut for each asset")
    for number, asset in enumerate(assets):
        if asset not in ASSETS:
            yield Problem(
                at=(*at, number, "asset"),
                wrong=f"{asset} has no price here",
                right=f"write one of: {quoted(ASSETS)}",
            )


def _target_problems(
    ladder: LoanToValueSpec, spec: HedgeStrategySpec, instruments: Mapping[str, Instrument]
) -> Iterator[Problem]:
    legs = (instruments[leg.instrument] for leg in spec.hedge_with if leg.instrument in instruments)
    hedged = sorted({instrument.underlying for instrument in legs})
    for name, target in ladder.targets:
        if (target.hedge_fraction is None) == (target.target_delta is None):
            yield Problem(at=(*_AT, name), wrong=ONE_TARGET.wrong, right=ONE_TARGET.right)
        if target.target_delta is not None and len(hedged) > 1:
            yield Problem(
                at=(*_AT, name, "targetDelta"),
                wrong=f"the legs of spec.hedgeWith hedge {quoted(hedged)}, and one delta cannot be meant for each",
                right="write hedgeFraction, or a strategy for each underlying",
            )
    fractions = [(name, decimal_if(target.hedge_fraction)) for name, target in ladder.targets]
    known = [(name, fraction) for name, fraction in fractions if fraction is not None]
    for (lower, less), (higher, more) in combinations(known, 2):
        if more < less:
            yield Problem(
                at=(*_AT, higher, "hedgeFraction"),
                wrong=f"{plain(more)} is below that of {lower}, {plain(less)}",
                right=FRACTIONS_RISE.right,
            )


def _threshold_problems(ladder: LoanToValueSpec) -> Iterator[Problem]:
    steps = [(name, decimal_of(step.ltv)) for name, step in ladder.steps]
    for (lower, below), (higher, above) in pairwise(steps):
        if above <= below:
            yield Problem(
                at=(*_AT, higher, "ltv"),
                wrong=f"{plain(above)} is not above that of {lower}, {plain(below)}",
                right=STEPS_RISE.right,
            )
    heights = [above - below for (_, below), (_, above) in pairwise([("normal", Decimal(0)), *steps])]
    if decimal_of(ladder.hysteresis) >= min(heights) > 0:
        yield Problem(at=(*_AT, "hysteresis"), wrong=HYSTERESIS_FITS.wrong, right=HYSTERESIS_FITS.right)
    last = decimal_if(ladder.liquidation_ltv)
    if last is not None and last <= steps[-1][1]:
        yield Problem(at=(*_AT, "liquidationLtv"), wrong=LIQUIDATION_LAST.wrong, right=LIQUIDATION_LAST.right)


def compiled_ladder(ladder: LoanToValueSpec) -> LoanToValue:
    """The ladder of a block that `ladder_problems` finds nothing wrong with."""
    haircuts = (Haircut(asset=item.asset, haircut=decimal_of(item.haircut)) for item in ladder.haircuts)
    return LoanToValue(
        debt=ladder.debt.exposure_name,
        haircuts=tuple(sorted(haircuts, key=lambda item: item.asset)),
        normal=LtvTarget(hedge_fraction=Decimal(0)) if ladder.normal is None else _target(ladder.normal),
        caution=_step(ladder.caution),
        danger=_step(ladder.danger),
        critical=_step(ladder.critical),
        hysteresis=decimal_of(ladder.hysteresis),
        min_dwell_ns=duration_ns(ladder.min_dwell),
        no_trade_notional=decimal_if(ladder.no_trade_notional) or Decimal(0),
        liquidation_ltv=decimal_if(ladder.liquidation_ltv),
    )


def _step(step: LtvStepSpec) -> LtvStep:
    return LtvStep(ltv=decimal_of(step.ltv), target=_target(step))


def _target(target: LtvTargetSpec) -> LtvTarget:
    return LtvTarget(
        hedge_fraction=decimal_if(target.hedge_fraction), target_delta=decimal_if(target.target_delta)
    )
