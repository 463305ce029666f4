"""Writes supervisord's configuration."""

import os
import shlex
from collections.abc import Iterable

from hedgerow_local.errors import LocalError
from hedgerow_local.layout import Layout
from hedgerow_local.processes import Program

LOG_BYTES = "20MB"
STOP_WAIT_S = 15
# A program that cannot come up is tried again with growing pauses, as a cluster would; the stack's own start
# notices sooner that something is wrong.
START_RETRIES = 100


def render(layout: Layout, programs: Iterable[Program]) -> str:
    """The whole file.

    Raises:
        LocalError: a path or value holds a character that the format has no way to carry.
    """
    sections = [_supervisor(layout)]
    sections += [_program(layout, program) for program in programs]
    return "\n".join(sections)


def _supervisor(layout: Layout) -> str:
    user = "user=root\n" if os.geteuid() == 0 else ""
    return f"""[unix_http_server]
file={_value(str(layout.supervisor_socket))}
chmod=0700

[supervisord]
nodaemon=true
silent=true
{user}logfile={_value(str(layout.log("supervisor")))}
logfile_maxbytes=0
pidfile={_value(str(layout.run / "supervisor.pid"))}
childlogdir={_value(str(layout.logs))}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _program(layout: Layout, program: Program) -> str:
    settings = {
        "command": _value(shlex.join(program.command)),
        "directory": "/" if program.user else _value(str(layout.root)),
        "autostart": "false",
        "autorestart": "true",
        "startretries": str(START_RETRIES),
        "startsecs": "1",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(STOP_WAIT_S),
        "stopasgroup": str(program.stop_as_group).lower(),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _value(str(layout.log(program.name))),
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": "1",
    }
    if program.user:
        settings["user"] = program.user
    if program.environment:
        pairs = (f"{name}={_quoted(value)}" for name, value in program.environment.items())
        settings["environment"] = ",".join(pairs)
    body = "".join(f"{name}={value}\n" for name, value in settings.items())
    return f"[program:{program.name}]\n{body}"


def _value(text: str) -> str:
    # " ;" and " #" begin a comment and cannot be escaped; % can.
    return _without(text, "\n", " ;", " #").replace("%", "%%")


def _quoted(text: str) -> str:
    return f'"{_value(_without(text, chr(34)))}"'


def _without(text: str, *bad: str) -> str:
    for part in bad:
        if part in text:
            raise LocalError(f"supervisord's configuration cannot carry {part!r}: rename {text!r}")
    return text
