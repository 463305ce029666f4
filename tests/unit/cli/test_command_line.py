"""The command line's own answers: usage, settings, servers that are not there, and their exit codes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hedgerow.cli.exits import ExitCode
from hedgerow.cli.main import app
from hedgerow.cli.names import age
from hedgerow.cli.servers import Servers, read_servers
from hedgerow.streams.settings import SettingsError

EXAMPLES = Path(__file__).parents[3] / "k8s" / "examples"


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs a command in an empty folder; the servers it is told of are not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEDGEROW_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("HEDGEROW_LEDGER_DSN", "postgres://someone@127.0.0.1:1/ledger")

    def call(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return call


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("apply",), "give one of --file FILE|DIR and --watch DIR"),
        (("apply", "-f", "a", "--watch", "b"), "give one of --file FILE|DIR and --watch DIR"),
        (("apply", "-f", "nowhere.yaml"), "there is no file or folder nowhere.yaml"),
        (("apply", "-f", "."), "declares nothing"),
        (("apply", "--watch", "nowhere"), "nowhere is no folder"),
        (("get", "pods"), '"pods" is no kind; there are strategies, venues and halts'),
        (("delete", "halt", "x"), "a halt is not deleted but released"),
        (("halt", "--reason", "x"), "name one target"),
        (("halt", "--reason", "x", "--all", "--venue", "v"), "name one target"),
        (("halt", "--reason", " ", "--all"), "--reason is empty"),
        (("halt", "--all"), "Missing option '--reason'"),
        (("release",), "name one target"),
        (("plan",), "Missing option"),
        (("plan", "-f", "nowhere.yaml"), "there is no file or folder nowhere.yaml"),
        (("diff", "-f", "."), "declares nothing"),
        (("orders", "--limit", "0"), "Invalid value for '--limit'"),
        (("intent", "resolve", "1", "--as", "abandoned"), "Missing option '--reason'"),
        (("intent", "resolve", "1", "--as", "abandoned", "--reason", " "), "--reason is empty"),
        (("intent", "resolve", "1", "--as", "lost", "--reason", "x"), '"lost" is no state'),
        (("book", "load", "oms"), "Missing option '--file'"),
        (("book", "show", "oms"), "give the gateway's address: --gateway URL"),
        (("book", "show", "oms", "--gateway", "http://127.0.0.1:1"), "give an API key"),
        (("unheard-of",), "No such command"),
    ],
)
def test_a_call_without_meaning_says_what_to_write(
    invoke: Callable[..., tuple[int, str]], arguments: tuple[str, ...], said: str
) -> None:
    code, output = invoke(*arguments)
    assert code == ExitCode.USAGE
    assert said in output


@pytest.mark.parametrize(
    "arguments",
    [
        ("get",),
        ("delete", "strategy", "x"),
        ("explain", "x"),
        ("halt", "--all", "--reason", "x"),
        ("release", "--all"),
        ("audit", "verify"),
        ("migrate",),
        ("plan", "-f", str(EXAMPLES)),
        ("diff", "-f", str(EXAMPLES)),
        ("top",),
        ("orders",),
        ("intent", "resolve", "1", "--as", "abandoned", "--reason", "x"),
        ("apply", "-f", str(EXAMPLES)),
    ],
)
def test_a_server_that_does_not_answer_is_named(
    invoke: Callable[..., tuple[int, str]], arguments: tuple[str, ...]
) -> None:
    code, output = invoke(*arguments)
    assert code == ExitCode.UNREACHABLE
    assert "the ledger's Postgres at 127.0.0.1:1/ledger cannot be reached" in output


def test_a_broken_file_is_refused_before_any_server_is_asked(
    invoke: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("kind: Venue\n\tmetadata: {}\n")
    code, output = invoke("apply", "-f", "broken.yaml")
    assert code == ExitCode.REFUSED
    assert output.startswith("broken.yaml:2:1: found character '\\t'")
    assert "indent with spaces" in output


def test_help_loads_no_client_library() -> None:
    program = (
        "import sys; from hedgerow.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'asyncpg', 'confluent_kafka', 'pydantic', 'faust', 'alembic', 'ruamel.yaml'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "apply" in done.stdout


BOTH = {"HEDGEROW_KAFKA": "k:1", "HEDGEROW_LEDGER_DSN": "postgres://l"}


def test_servers_come_from_the_environment(tmp_path: Path) -> None:
    assert read_servers(BOTH, tmp_path) == Servers(kafka="k:1", ledger_dsn="postgres://l")


def test_the_stack_of_this_folder_is_used_when_the_environment_names_no_server(tmp_path: Path) -> None:
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / "stack.env").write_text(
        "# the local stack\nHEDGEROW_KAFKA=here:1\nHEDGEROW_LEDGER_DSN='postgres://u:p=q@here/l'\nOTHER=x\n"
    )
    assert read_servers({}, tmp_path) == Servers(kafka="here:1", ledger_dsn="postgres://u:p=q@here/l")
    assert read_servers(BOTH, tmp_path).kafka == "k:1"


def test_servers_of_two_installations_are_never_mixed(tmp_path: Path) -> None:
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / "stack.env").write_text(
        "HEDGEROW_KAFKA=here:1\nHEDGEROW_LEDGER_DSN=postgres://here\n"
    )
    with pytest.raises(SettingsError, match="HEDGEROW_LEDGER_DSN is not set in the environment"):
        read_servers({"HEDGEROW_KAFKA": "k:1"}, tmp_path)


def test_missing_servers_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="start the local stack"):
        read_servers({}, tmp_path)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.9, "9.9 s"), (45, "45 s"), (600, "10 min"), (9000, "2.5 h"), (200_000, "2.3 d")],
)
def test_ages_are_short(seconds: float, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("words", "offered"),
    [("hedgerow pl", "plan"), ("hedgerow intent ", "resolve"), ("hedgerow top --o", "--once")],
)
def test_the_shell_completes_commands_and_options(words: str, offered: str) -> None:
    environment = {
        **os.environ,
        "_HEDGEROW_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    command = Path(sys.executable).parent / "hedgerow"
    done = subprocess.run([command], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [offered], done.stderr


def test_the_shell_can_be_shown_how_to_complete() -> None:
    command = Path(sys.executable).parent / "hedgerow"
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [command, "--show-completion", "bash"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert "_HEDGEROW_COMPLETE=complete_bash" in done.stdout
