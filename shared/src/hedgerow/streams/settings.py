"""Where the servers are, read once from the environment. What to hedge comes from resources, never from here."""

import os
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from hedgerow.adapters.synthetic.scenarios import Scenario
from hedgerow.adapters.tape_source import TapeSource
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import parse_decimal

_Word = TypeVar("_Word", bound=StrEnum)


class SettingsError(ValueError):
    """A setting is missing or unusable; the message names the variable and what it should hold."""


class FeedName(StrEnum):
    """Where market data comes from."""

    RECORDED = "Recorded"
    SYNTHETIC = "Synthetic"
    REST = "Rest"
    WEB_SOCKET = "WebSocket"

    @property
    def from_a_venue(self) -> bool:
        """Whether it comes from a real venue, so that there is no tape that others could stand on."""
        return self in (FeedName.REST, FeedName.WEB_SOCKET)


class FeedEnvironment(StrEnum):
    """Which of a real venue's markets is followed."""

    MAINNET = "Mainnet"
    TESTNET = "Testnet"


class Switch(StrEnum):
    OFF = "Off"
    ON = "On"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One process's surroundings.

    Attributes:
        kafka: bootstrap servers, `host:port[,host:port]`.
        ledger_dsn: Postgres of the ledger.
        partitions: of every partitioned topic; fixed for the life of an installation.
        exchange_url: base address of the built-in exchange; empty where there is none.
        exchange_faults: whether the built-in exchange may be asked to misbehave.
        executor_venue: the one Venue (`namespace/name`) that this executor or collector of accounts serves; None serves
            each whose keys it has.
        keys_dir: folder laid out as a mounted Secret, one subfolder per venue account with files `apiKey`, `secret`;
            one with `@read` behind the account's name holds a key that only reads.
        feed: where ingestion takes market data from.
        synthetic_seed, synthetic_interval_ms: of synthetic tapes: their seed, and the time between two events.
        scenario: market weather on synthetic tapes; with one, every tape is synthetic.
        feed_venue: of the feeds `Rest` and `WebSocket`: ccxt's id of the venue.
        feed_environment: of the same feeds: which of the venue's markets; a testnet has prices of its own.
        feed_url: base address instead of the venue's own hosts; None takes those.
        feed_symbols: the instruments to follow there.
        feed_poll_ms: between one REST answer and the next question about the same instrument.
        recordings: folder of Parquet recordings.
        session_start_ns: when this replay session began; with the clock it fixes the position on the tape.
        replay_speed: seconds of tape per second of clock.
        data_dir: where a role may keep files of its own (the exchange's journal, Faust's work folder).
        http_host, http_port: where `/healthz`, `/ready` and `/metrics` answer; port 0 takes a free one.
        max_jump_bps: a mid that moves further than this between two states marks the state invalid.
        gateway_host, gateway_port: where the gateway's REST API answers; port 0 takes a free one.
        gateway_keys_dir: folder laid out as a mounted Secret, one subfolder per API key with files `key`, `role`;
            None only where no gateway runs.
        gateway_max_order_notional: the largest client order, in quote currency.
        history_dsn: Postgres of the history, never the ledger's; None only where no recorder runs.
        history_days: how long ticks, enriched quotes and risk states are kept.
        history_rollup_days: how long candles and risk per minute are kept.
        redis: some nodes of the cache's Redis Cluster, `host:port[,host:port]`; None where there is no cache.
        gateway_url, orders_key_file: where the order generator reaches the gateway, and the file with its API key;
            None only where no generator runs.
        orders_seed, orders_per_second: the generator's seed, and its orders per second of each symbol.
        orders_sizes: mean order by symbol, in quote currency, `SYMBOL=number,…`, or one number for every listing.
        orders_mix: weights of the kinds of orders, `market=number,crossed=number,resting=number`.
    """

    kafka: str
    ledger_dsn: str
    partitions: int
    exchange_url: str
    keys_dir: Path
    recordings: Path
    session_start_ns: int
    replay_speed: float
    data_dir: Path
    http_host: str
    http_port: int
    max_jump_bps: float
    exchange_faults: bool = False
    executor_venue: str | None = None
    feed: FeedName = FeedName.RECORDED
    synthetic_seed: int = 7
    synthetic_interval_ms: int = 250
    scenario: Scenario | None = None
    feed_venue: str = "binance"
    feed_environment: FeedEnvironment = FeedEnvironment.MAINNET
    feed_url: str | None = None
    feed_symbols: tuple[str, ...] = ("BTC/USDT", "BTC/USDT:USDT", "ETH/USDT", "ETH/USDT:USDT")
    feed_poll_ms: int = 1_000
    gateway_host: str = "127.0.0.1"
    gateway_port: int = 0
    gateway_keys_dir: Path | None = None
    gateway_max_order_notional: Decimal = Decimal(1_000_000)
    history_dsn: str | None = None
    history_days: int = 30
    history_rollup_days: int = 730
    redis: str | None = None
    gateway_url: str | None = None
    orders_key_file: Path | None = None
    orders_seed: int = 7
    orders_per_second: float = 2.0
    orders_sizes: str = "20000"
    orders_mix: str = "market=60,crossed=20,resting=20"

    @property
    def tapes(self) -> TapeSource:
        """Where tapes come from; the same for all who play them."""
        all_synthetic = self.feed is FeedName.SYNTHETIC or self.scenario is not None
        return TapeSource(
            recordings=None if all_synthetic else self.recordings,
            seed=self.synthetic_seed,
            interval_ns=self.synthetic_interval_ms * 1_000_000,
            scenario=self.scenario,
        )


_DEFAULTS = {
    "HEDGEROW_PARTITIONS": "4",
    "HEDGEROW_EXCHANGE_FAULTS": Switch.OFF.value,
    "HEDGEROW_FEED": FeedName.RECORDED.value,
    "HEDGEROW_SYNTHETIC_SEED": "7",
    "HEDGEROW_SYNTHETIC_INTERVAL_MS": "250",
    "HEDGEROW_FEED_VENUE": "binance",
    "HEDGEROW_FEED_ENVIRONMENT": FeedEnvironment.MAINNET.value,
    "HEDGEROW_FEED_SYMBOLS": "BTC/USDT,BTC/USDT:USDT,ETH/USDT,ETH/USDT:USDT",
    "HEDGEROW_FEED_POLL_MS": "1000",
    "HEDGEROW_REPLAY_SPEED": "1",
    "HEDGEROW_HTTP_HOST": "127.0.0.1",
    "HEDGEROW_HTTP_PORT": "0",
    "HEDGEROW_MAX_JUMP_BPS": "200",
    "HEDGEROW_SESSION_START_NS": "0",
    "HEDGEROW_GATEWAY_HOST": "127.0.0.1",
    "HEDGEROW_GATEWAY_PORT": "0",
    "HEDGEROW_GATEWAY_MAX_ORDER_NOTIONAL": "1000000",
    "HEDGEROW_HISTORY_DAYS": "30",
    "HEDGEROW_HISTORY_ROLLUP_DAYS": "730",
    "HEDGEROW_ORDERS_SEED": "7",
    "HEDGEROW_ORDERS_PER_SECOND": "2",
    "HEDGEROW_ORDERS_SIZES": "20000",
    "HEDGEROW_ORDERS_MIX": "market=60,crossed=20,resting=20",
}


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `HEDGEROW_…` variables.

    Raises:
        SettingsError: one is missing without a default, or is not of its type.
    """

    def text(name: str) -> str:
        value = environment.get(name) or _DEFAULTS.get(name)
        if value is None:
            raise SettingsError(
                f"{name} is not set; `make demo` sets it, `docs/guide/settings.md` explains it"
            )
        return value

    def number(name: str, kind: type[int] | type[float]) -> int | float:
        try:
            return kind(text(name))
        except ValueError:
            raise SettingsError(f"{name}={text(name)!r} should be a number ({kind.__name__})") from None

    def positive(name: str) -> Decimal:
        try:
            value = parse_decimal(text(name))
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from None
        if value <= 0:
            raise SettingsError(f"{name}={text(name)!r} should be positive")
        return value

    def history_dsn() -> str | None:
        dsn = environment.get("HEDGEROW_HISTORY_DSN")
        if dsn and dsn == text("HEDGEROW_LEDGER_DSN"):
            raise SettingsError(
                "HEDGEROW_HISTORY_DSN is HEDGEROW_LEDGER_DSN; history needs a server of its own, so that ticks never "
                "fill the ledger's disk"
            )
        return dsn or None

    def whole(name: str, least: int, most: int) -> int:
        value = int(number(name, int))
        if not least <= value <= most:
            raise SettingsError(f"{name}={value} should be from {least} to {most}")
        return value

    def word(name: str, words: type[_Word]) -> _Word:
        try:
            return words(text(name))
        except ValueError:
            raise SettingsError(f"{name}={text(name)!r} should be one of {', '.join(words)}") from None

    def address(name: str) -> str | None:
        value = environment.get(name)
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise SettingsError(f"{name}={value!r} should be http://host:port or https://host")
        return value or None

    def instruments(name: str) -> tuple[str, ...]:
        symbols = tuple(symbol.strip() for symbol in text(name).split(","))
        for symbol in symbols:
            try:
                find_instrument(symbol)
            except KeyError as error:
                raise SettingsError(f"{name}: {error.args[0]}") from None
        if len(set(symbols)) < len(symbols):
            raise SettingsError(f"{name}={text(name)!r} names an instrument twice")
        return symbols

    feed = word("HEDGEROW_FEED", FeedName)
    scenario = word("HEDGEROW_SCENARIO", Scenario) if environment.get("HEDGEROW_SCENARIO") else None
    if scenario is not None and feed in (FeedName.REST, FeedName.WEB_SOCKET):
        raise SettingsError(
            f"HEDGEROW_SCENARIO={scenario.value!r} is weather of synthetic markets, and HEDGEROW_FEED={feed.value} "
            "follows real ones; unset one of them"
        )
    gateway_keys_dir = environment.get("HEDGEROW_GATEWAY_KEYS_DIR")
    orders_key_file = environment.get("HEDGEROW_ORDERS_KEY_FILE")
    return Settings(
        kafka=text("HEDGEROW_KAFKA"),
        ledger_dsn=text("HEDGEROW_LEDGER_DSN"),
        partitions=int(number("HEDGEROW_PARTITIONS", int)),
        exchange_url=environment.get("HEDGEROW_EXCHANGE_URL") or "",
        keys_dir=Path(text("HEDGEROW_KEYS_DIR")),
        recordings=Path(text("HEDGEROW_RECORDINGS")),
        session_start_ns=int(number("HEDGEROW_SESSION_START_NS", int)),
        replay_speed=float(number("HEDGEROW_REPLAY_SPEED", float)),
        data_dir=Path(text("HEDGEROW_DATA_DIR")),
        http_host=text("HEDGEROW_HTTP_HOST"),
        http_port=int(number("HEDGEROW_HTTP_PORT", int)),
        max_jump_bps=float(number("HEDGEROW_MAX_JUMP_BPS", float)),
        exchange_faults=word("HEDGEROW_EXCHANGE_FAULTS", Switch) is Switch.ON,
        executor_venue=environment.get("HEDGEROW_EXECUTOR_VENUE") or None,
        feed=feed,
        synthetic_seed=whole("HEDGEROW_SYNTHETIC_SEED", 0, 2**32 - 1),
        synthetic_interval_ms=whole("HEDGEROW_SYNTHETIC_INTERVAL_MS", 20, 10_000),
        scenario=scenario,
        feed_venue=text("HEDGEROW_FEED_VENUE"),
        feed_environment=word("HEDGEROW_FEED_ENVIRONMENT", FeedEnvironment),
        feed_url=address("HEDGEROW_FEED_URL"),
        feed_symbols=instruments("HEDGEROW_FEED_SYMBOLS"),
        feed_poll_ms=whole("HEDGEROW_FEED_POLL_MS", 10, 60_000),
        gateway_host=text("HEDGEROW_GATEWAY_HOST"),
        gateway_port=int(number("HEDGEROW_GATEWAY_PORT", int)),
        gateway_keys_dir=Path(gateway_keys_dir) if gateway_keys_dir else None,
        redis=environment.get("HEDGEROW_REDIS") or None,
        gateway_max_order_notional=positive("HEDGEROW_GATEWAY_MAX_ORDER_NOTIONAL"),
        history_dsn=history_dsn(),
        history_days=whole("HEDGEROW_HISTORY_DAYS", 1, 36_500),
        history_rollup_days=whole("HEDGEROW_HISTORY_ROLLUP_DAYS", 1, 36_500),
        gateway_url=environment.get("HEDGEROW_GATEWAY_URL") or None,
        orders_key_file=Path(orders_key_file) if orders_key_file else None,
        orders_seed=int(number("HEDGEROW_ORDERS_SEED", int)),
        orders_per_second=float(number("HEDGEROW_ORDERS_PER_SECOND", float)),
        orders_sizes=text("HEDGEROW_ORDERS_SIZES"),
        orders_mix=text("HEDGEROW_ORDERS_MIX"),
    )
