"""What the settings ask the generator for."""

import math
from collections.abc import Mapping, Sequence

from hedgerow.domain.instruments import LISTINGS
from hedgerow.streams.settings import SettingsError
from hedgerow_generator.plan import Style

SIZES = "HEDGEROW_ORDERS_SIZES"
MIX = "HEDGEROW_ORDERS_MIX"


def client_listings() -> list[str]:
    """What clients trade with the desk: cash listings. Derivatives settle in something, and are what it hedges with."""
    return sorted(item.symbol for item in LISTINGS.values() if item.is_cash)


def read_sizes(text: str) -> dict[str, float]:
    """Mean notional by symbol: `BTC/USDT=20000,ETH/USDT=5000`, or one number for every listing that clients trade.

    Raises:
        SettingsError: a size is not positive, or a symbol is none that clients trade.
    """
    listed = client_listings()
    if "=" not in text:
        return dict.fromkeys(listed, _number(SIZES, text, positive=True))
    return _pairs(SIZES, text, listed, positive=True)


def read_mix(text: str) -> Mapping[Style, float]:
    """Weights of the styles: `market=60,crossed=20,resting=20`; what is left out has none.

    Raises:
        SettingsError: a weight is negative, a style unknown, or all weights are 0.
    """
    weights = _pairs(MIX, text, [style.value for style in Style], positive=False)
    if not any(weights.values()):
        raise SettingsError(f"{MIX}={text!r} should give at least one style a weight above 0")
    return {Style(name): weight for name, weight in weights.items()}


def require_positive(name: str, value: float) -> None:
    """
    Raises:
        SettingsError: it is not.
    """
    if not 0 < value < math.inf:
        raise SettingsError(f"{name}={value} should be a positive number for the order generator to run")


def _pairs(setting: str, text: str, names: Sequence[str], positive: bool) -> dict[str, float]:
    found: dict[str, float] = {}
    for pair in text.split(","):
        name, _, number = (part.strip() for part in pair.partition("="))
        if name not in names or name in found:
            raise SettingsError(
                f"{setting}={text!r}: {pair!r} should be one of {', '.join(names)} =number, each once"
            )
        found[name] = _number(setting, number, positive)
    return found


def _number(setting: str, text: str, positive: bool) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf or (positive and number == 0):
        raise SettingsError(
            f"{setting}: {text!r} should be a {'positive number' if positive else 'number, 0 or more'}"
        )
    return number
