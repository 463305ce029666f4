"""What Bybit lists, as ccxt recorded it (see `ccxt_recordings`), against what is listed here."""

import json
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest

from hedgerow.adapters.ccxt_markets import problems_by_instrument
from hedgerow.domain.instruments import LISTINGS

LISTED = json.loads((Path(__file__).parent / "ccxt_recordings" / "bybit_markets.json").read_text())


@pytest.fixture
async def markets(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Bybit's answers, as the released client reads them."""
    client = ccxt.bybit()

    async def answer(wanted: dict[str, Any]) -> dict[str, Any]:
        return {"result": {"category": wanted["category"], "list": LISTED[wanted["category"]]}}

    monkeypatch.setattr(client, "publicGetV5MarketInstrumentsInfo", answer)
    read = [
        *await client.fetch_future_markets({"category": "linear"}),
        *await client.fetch_spot_markets({"category": "spot"}),
    ]
    await client.close()
    return {market["symbol"]: market for market in read}


async def test_the_perpetuals_that_hedge_are_as_bybit_lists_them(markets: dict[str, Any]) -> None:
    problems = problems_by_instrument(LISTINGS.values(), markets)
    assert not {"BTC/USDT:USDT", "ETH/USDT:USDT"} & problems.keys()


async def test_what_bybit_lists_otherwise_or_not_at_all_is_said(markets: dict[str, Any]) -> None:
    problems = problems_by_instrument(LISTINGS.values(), markets)
    assert problems["NVDA/USD"] == "the venue does not list NVDA/USD"
    assert problems["SPX/USD:USD-301220"] == "the venue does not list SPX/USD:USD-301220"
    assert problems["BTC/USDT"].startswith(
        "the tick of BTC/USDT is 0.01 USDT here and 0.1 at the venue; the lot of"
    )
    assert "SPX" not in problems


async def test_a_tick_that_bybit_has_changed_is_said(markets: dict[str, Any]) -> None:
    markets["BTC/USDT:USDT"]["precision"]["price"] = 0.5
    assert problems_by_instrument(LISTINGS.values(), markets)["BTC/USDT:USDT"] == (
        "the tick of BTC/USDT:USDT is 0.1 USDT here and 0.5 at the venue"
    )
