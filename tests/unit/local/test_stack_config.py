"""What the stack writes down before anything runs."""

import configparser
import os
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.datatypes import dict_of_key_value_pairs

from hedgerow.schemas.topics import TOPICS, Cleanup
from hedgerow.streams.settings import read_settings
from hedgerow.streams.topic_making import topic_settings
from hedgerow_local.errors import LocalError
from hedgerow_local.keys import ensure_keys
from hedgerow_local.layout import SOCKET_PATH_LIMIT, Layout
from hedgerow_local.owned import identify
from hedgerow_local.ports import free_ports
from hedgerow_local.postgres_programs import for_history
from hedgerow_local.processes import PORT_NAMES, REDIS, STOP_ORDER, WORKERS, programs, surroundings
from hedgerow_local.state import StackState, read_state, write_state
from hedgerow_local.supervisor import restarts
from hedgerow_local.supervisor_config import render

# As a data folder of whichever Postgres keeps history here.
HISTORY_DATA = for_history().root / "history"


def layout_at(root: str) -> Layout:
    return Layout(Path(root), Path(root) / ".run")


def state() -> StackState:
    return StackState(
        run="run-1",
        owner=identify(os.getpid()),
        supervisor=None,
        ports={name: 20_000 + index for index, name in enumerate(PORT_NAMES)},
        session_start_ns=1_723_161_254_000_000_000,
    )


def sections(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
    parser.read_string(text)
    return parser


def test_every_program_is_supervised_restarted_and_ended_as_a_group() -> None:
    layout = layout_at("/srv/hedgerow")
    config = sections(render(layout, programs(layout, state(), Path("/data"), HISTORY_DATA)))
    names = {name for row in STOP_ORDER for name in row}
    assert names == {"postgres", "history", "kafka", *REDIS, "apply", "prometheus", *WORKERS}
    for name in names:
        program = config[f"program:{name}"]
        assert program["autorestart"] == "true"
        assert program["killasgroup"] == "true"
        assert program["stdout_logfile"] == f"/srv/hedgerow/.run/logs/{name}.log"
    for name in ("postgres", "history"):
        assert config[f"program:{name}"]["stopsignal"] == "INT"
        assert config[f"program:{name}"]["stopasgroup"] == "false"


def test_every_role_runs_once_and_every_worker_has_its_own_port_and_folder() -> None:
    layout = layout_at("/srv/hedgerow")
    roles = [role for together in WORKERS.values() for role in together]
    assert len(roles) == len(set(roles))
    assert set(roles) == {point.name for point in entry_points(group="hedgerow.roles")}
    workers = [
        program
        for program in programs(layout, state(), Path("/data"), HISTORY_DATA)
        if program.name in WORKERS
    ]
    assert len({program.environment["HEDGEROW_HTTP_PORT"] for program in workers}) == len(WORKERS)
    assert len({program.environment["HEDGEROW_DATA_DIR"] for program in workers}) == len(WORKERS)


def test_the_surroundings_satisfy_the_settings_that_every_worker_reads() -> None:
    settings = read_settings(surroundings(layout_at("/srv/hedgerow"), state()))
    assert settings.kafka == "127.0.0.1:20000"
    assert settings.session_start_ns == 1_723_161_254_000_000_000
    assert settings.keys_dir == Path("/srv/hedgerow/.run/keys")


@given(folder=st.text(alphabet="ab%' ;#-\"", min_size=1, max_size=12))
def test_a_folder_reaches_the_program_unchanged_or_is_refused(folder: str) -> None:
    layout = layout_at(f"/srv/x{folder}x")
    wanted = programs(layout, state(), Path("/data"), HISTORY_DATA)
    if any(bad in folder for bad in ('"', " ;", " #")):
        with pytest.raises(LocalError, match="rename"):
            render(layout, wanted)
        return
    config = sections(render(layout, wanted))
    environment = config["program:executor"]["environment"].replace("%%", "%")
    assert dict_of_key_value_pairs(environment)["HEDGEROW_DATA_DIR"] == str(layout.data("executor"))


def test_a_deep_checkout_gets_a_socket_elsewhere() -> None:
    near, deep = layout_at("/srv"), layout_at("/srv/" + "x" * 200)
    assert near.supervisor_socket == Path("/srv/.run/supervisor.sock")
    assert len(str(deep.supervisor_socket)) <= SOCKET_PATH_LIMIT


def test_the_state_is_read_back_and_a_broken_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    assert read_state(path) is None
    write_state(path, state())
    assert read_state(path) == state()
    path.write_text('{"run": 5}')
    with pytest.raises(LocalError, match=r"stack\.json is not readable"):
        read_state(path)


def test_keys_are_private_and_stay_the_same(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    first = {name: (tmp_path / "hedge-01" / name).read_text() for name in ("apiKey", "secret")}
    ensure_keys(tmp_path)
    assert first == {name: (tmp_path / "hedge-01" / name).read_text() for name in ("apiKey", "secret")}
    assert first["apiKey"] != first["secret"]
    assert (tmp_path / "hedge-01" / "secret").stat().st_mode & 0o077 == 0


def test_restarts_are_counted_per_program(tmp_path: Path) -> None:
    log = tmp_path / "supervisor.log"
    log.write_text(
        "… INFO spawned: 'kafka' with pid 10\n"
        "… INFO spawned: 'order-generator' with pid 11\n"
        "… WARN exited: order-generator (terminated by SIGKILL; not expected)\n"
        "… INFO spawned: 'order-generator' with pid 12\n"
    )
    assert restarts(log) == {"kafka": 0, "order-generator": 1}


def test_free_ports_are_different() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50


def test_topics_are_made_as_the_topic_list_says() -> None:
    for topic in TOPICS:
        settings = topic_settings(topic)
        assert settings["cleanup.policy"] == topic.cleanup
        assert settings.get("retention.ms") == (str(topic.retention_ms) if topic.retention_ms else None)
        assert ("segment.ms" in settings) == (topic.cleanup is Cleanup.COMPACT)
