"""Net exposure: what risk saw unhedged, plus what the strategy's own hedge already offsets."""

from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.records import RiskState
from hedgerow.strategy.compiled import Band, BandUnit


class NetExposure(msgspec.Struct, frozen=True, kw_only=True):
    """Against one band, everything in units of the underlying.

    Attributes:
        unhedged, hedge: the two parts; net: their sum.
        lower, upper: the band's edges at this mark; mark: price of one unit in the strategy's currency.
    """

    underlying: str
    unhedged: Decimal
    hedge: Decimal
    net: Decimal
    lower: Decimal
    upper: Decimal
    mark: Decimal

    @property
    def excess(self) -> Decimal:
        """How far outside the band: positive above the upper edge, negative below the lower, 0 inside."""
        if self.net > self.upper:
            return self.net - self.upper
        return min(self.net - self.lower, ZERO)


def net_exposure(band: Band, risk: RiskState, ledger: LedgerSnapshot) -> NetExposure:
    """The exposure that a band is held against.

    Raises:
        LookupError: the risk state has no exposure of the band's underlying (it was not ready).
    """
    unhedged = next((item for item in risk.exposures if item.underlying == band.underlying), None)
    if unhedged is None:
        raise LookupError(f"risk state {risk.sequence} has no exposure of {band.underlying}")
    contracts = {leg.instrument.symbol: leg.instrument for leg in ledger.config.hedge_with}
    hedge = sum(
        (
            contracts[held.instrument].delta(held.quantity)
            for held in ledger.positions
            if held.instrument in contracts and contracts[held.instrument].underlying == band.underlying
        ),
        ZERO,
    )
    in_notional = band.unit is BandUnit.NOTIONAL
    return NetExposure(
        underlying=band.underlying,
        unhedged=unhedged.delta,
        hedge=hedge,
        net=unhedged.delta + hedge,
        lower=band.lower / unhedged.mark if in_notional else band.lower,
        upper=band.upper / unhedged.mark if in_notional else band.upper,
        mark=unhedged.mark,
    )
