"""Where the command line finds the gateway, and which key it shows to whom."""

from pathlib import Path

import pytest

from hedgerow.cli.gateway import GatewayAddress, read_gateway
from hedgerow.streams.settings import SettingsError


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    (tmp_path / ".run").mkdir()
    (tmp_path / "keys" / "trader").mkdir(parents=True)
    (tmp_path / "keys" / "trader" / "key").write_text("local-key\n")
    (tmp_path / ".run" / "stack.env").write_text(
        f"HEDGEROW_GATEWAY_URL=http://127.0.0.1:5000\nHEDGEROW_GATEWAY_KEYS_DIR={tmp_path / 'keys'}\n"
    )
    return tmp_path


def test_the_local_stack_is_found_with_its_own_key(stack: Path) -> None:
    assert read_gateway(None, None, {}, stack) == GatewayAddress("http://127.0.0.1:5000", "local-key")


def test_options_come_before_the_environment_and_that_before_the_stack(stack: Path) -> None:
    environment = {"HEDGEROW_GATEWAY_URL": "https://desk/", "HEDGEROW_API_KEY": "theirs"}
    assert read_gateway(None, None, environment, stack) == GatewayAddress("https://desk", "theirs")
    file = stack / "mine"
    file.write_text("mine\n")
    assert read_gateway("http://other", file, environment, stack) == GatewayAddress("http://other", "mine")


def test_the_local_key_is_not_shown_to_another_address(stack: Path) -> None:
    with pytest.raises(SettingsError, match="give an API key: --key-file FILE, or set HEDGEROW_API_KEY"):
        read_gateway("http://other", None, {}, stack)


@pytest.mark.parametrize(
    ("url", "words"),
    [(None, "give the gateway's address"), ("desk:80", "should begin with http:// or https://")],
)
def test_an_address_that_is_missing_or_none_is_named(tmp_path: Path, url: str | None, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_gateway(url, None, {"HEDGEROW_API_KEY": "k"}, tmp_path)


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read from"):
        read_gateway("http://desk", tmp_path / "none", {}, tmp_path)
