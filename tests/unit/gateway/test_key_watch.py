"""API keys follow their folder; a folder that cannot be used changes nothing and is said."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import prometheus_client
import pytest

from hedgerow_gateway import key_watch
from hedgerow_gateway.key_watch import KeyWatch
from hedgerow_gateway.keys import Keys, KeysError
from hedgerow_gateway.metrics import GatewayMetrics

PATIENCE_S = 60.0


class Secret:
    """A folder as a mounted Secret: `alice` links into `..data`, which is swapped as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._version = 0

    def write(self, keys: dict[str, tuple[str | None, str | None]]) -> None:
        """Set all keys at once: name to key and role, None for a file that is not there."""
        self._version += 1
        data = self.folder / f"..{self._version}"
        for name, (key, role) in keys.items():
            (data / name).mkdir(parents=True)
            for file, text in (("key", key), ("role", role)):
                if text is not None:
                    (data / name / file).write_text(text)
        data.mkdir(exist_ok=True)
        for link in self.folder.iterdir():
            if link.is_symlink() and link.name != "..data" and link.name not in keys:
                link.unlink()
        aside = self.folder / "..data_tmp"
        aside.symlink_to(data.name)
        aside.rename(self.folder / "..data")
        for name in keys:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")


ALICE = ("alice-0123456789abcdef", "trader")
VERA = ("vera-0123456789abcdef", "viewer")


class Watched:
    def __init__(self, secret: Secret) -> None:
        self.registry = prometheus_client.CollectorRegistry()
        self.keys: Keys = {}
        self.changes = 0
        self.watch = KeyWatch(secret.folder, GatewayMetrics(self.registry), self._changed)

    def _changed(self, keys: Keys) -> None:
        self.keys = keys
        self.changes += 1

    @property
    def callers(self) -> dict[str, str]:
        return {caller.name: caller.role.value for caller in self.keys.values()}

    @property
    def unreadable(self) -> float | None:
        return self.registry.get_sample_value("hedgerow_gateway_keys_unreadable")


async def until(look: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    found = Secret(tmp_path)
    found.write({"alice": ALICE})
    return found


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_watch, "LOOK_S", 0.02)


@pytest.mark.parametrize(
    ("keys", "callers"),
    [
        ({"alice": ALICE, "vera": VERA}, {"alice": "trader", "vera": "viewer"}),
        ({"vera": VERA}, {"vera": "viewer"}),
        ({"alice": (ALICE[0], "risk")}, {"alice": "risk"}),
        ({"bob": ALICE}, {"bob": "trader"}),
    ],
    ids=["added", "removed", "another role", "renamed"],
)
async def test_a_changed_secret_is_followed(
    secret: Secret, keys: dict[str, tuple[str | None, str | None]], callers: dict[str, str]
) -> None:
    watched, stopping = Watched(secret), asyncio.Event()
    assert watched.callers == {"alice": "trader"}
    following = asyncio.create_task(watched.watch.follow(stopping))
    secret.write(keys)
    await until(lambda: watched.callers == callers)
    assert watched.registry.get_sample_value("hedgerow_gateway_keys") == len(callers)
    stopping.set()
    await following


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"alice": (None, "trader")},
        {"alice": ALICE, "vera": (VERA[0], None)},
        {"alice": ALICE, "vera": (VERA[0], "root")},
        {"alice": ALICE, "vera": ("short", "viewer")},
        {"alice": ALICE, "vera": (ALICE[0], "viewer")},
    ],
    ids=["empty", "no key", "no role", "unknown role", "short key", "one key twice"],
)
async def test_a_broken_secret_keeps_the_last_good_keys_until_it_is_whole(
    secret: Secret, broken: dict[str, tuple[str | None, str | None]]
) -> None:
    watched, stopping = Watched(secret), asyncio.Event()
    following = asyncio.create_task(watched.watch.follow(stopping))
    await until(lambda: watched.unreadable == 0)
    secret.write(broken)
    await until(lambda: watched.unreadable == 1)
    assert watched.callers == {"alice": "trader"}
    secret.write({"vera": VERA})
    await until(lambda: watched.callers == {"vera": "viewer"})
    assert watched.unreadable == 0
    assert watched.changes == 2
    stopping.set()
    await following


def test_a_broken_secret_at_the_start_is_refused(secret: Secret) -> None:
    secret.write({})
    with pytest.raises(KeysError, match="holds no API key"):
        Watched(secret)
