"""Where a price comes from, in words that can be compared: what a Live strategy trades on must price it, live."""

# What a tape plays: prices of another day, or of none. Of older states, which do not say, as well.
TAPE = ""


def venue_prices(exchange: str, environment: str) -> str:
    """The public market data of a real venue, asked at its own hosts.

    Args:
        exchange: ccxt's id; environment: Mainnet or Testnet, whose prices differ.
    """
    return f"{exchange} {environment}"
