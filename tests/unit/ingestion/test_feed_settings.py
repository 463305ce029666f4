"""Settings of the feeds of real venues."""

import pytest

from hedgerow.adapters.ccxt_books import redirected
from hedgerow.streams.settings import FeedName, SettingsError, read_settings

NEEDED = {
    f"HEDGEROW_{name}": "x"
    for name in ("KAFKA", "LEDGER_DSN", "EXCHANGE_URL", "KEYS_DIR", "RECORDINGS", "DATA_DIR")
}


def test_by_default_btc_and_eth_are_followed_on_one_public_venue() -> None:
    settings = read_settings({**NEEDED, "HEDGEROW_FEED": "WebSocket"})
    assert settings.feed is FeedName.WEB_SOCKET
    assert settings.feed.from_a_venue
    assert (settings.feed_venue, settings.feed_url, settings.feed_poll_ms) == ("binance", None, 1_000)
    assert settings.feed_symbols == ("BTC/USDT", "BTC/USDT:USDT", "ETH/USDT", "ETH/USDT:USDT")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEDGEROW_FEED", "Websocket", "should be one of Recorded, .*Rest, WebSocket"),
        (
            "HEDGEROW_FEED_SYMBOLS",
            "BTC/USDT,BTCUSDT",
            "unknown instrument 'BTCUSDT'; listed are .*BTC/USDT:USDT",
        ),
        ("HEDGEROW_FEED_SYMBOLS", "BTC/USDT,BTC/USDT", "names an instrument twice"),
        ("HEDGEROW_FEED_URL", "127.0.0.1:8080", "should be http://host:port"),
        ("HEDGEROW_FEED_POLL_MS", "0", "should be from 10 to 60000"),
    ],
)
def test_what_cannot_be_followed_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}.*{said}"):
        read_settings({**NEEDED, name: value})


def test_another_base_address_keeps_every_host_apart() -> None:
    addresses = {
        "public": "https://api.binance.com/api/v3",
        "templated": "https://api.{hostname}",
        "ws": {"spot": "wss://stream.binance.com:9443/ws", "of": {"futures": "wss://fstream.binance.com/ws"}},
    }
    assert redirected(addresses, "http://127.0.0.1:8080/") == {
        "public": "http://127.0.0.1:8080/api.binance.com/api/v3",
        "templated": "http://127.0.0.1:8080/api.{hostname}",
        "ws": {
            "spot": "ws://127.0.0.1:8080/stream.binance.com:9443/ws",
            "of": {"futures": "ws://127.0.0.1:8080/fstream.binance.com/ws"},
        },
    }
    assert redirected("wss://a.b/ws", "https://proxy/x") == "wss://proxy/x/a.b/ws"
