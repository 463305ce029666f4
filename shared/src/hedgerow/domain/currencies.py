"""Which currencies a limit counts as one. A declared assumption, not a rate: what is not in it is never added up."""

# Dollar stablecoins are held to be worth a dollar. While one is off its peg, notionals quoted in it are off as much.
_AT_PAR: dict[str, frozenset[str]] = {"USD": frozenset({"USD", "USDT", "USDC"})}


def at_par(quote: str, currency: str) -> bool:
    """Whether an amount in `quote` counts as the same amount of `currency`."""
    return quote == currency or quote in _AT_PAR.get(currency, frozenset())
