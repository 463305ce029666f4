"""Which Postgres programs there are on this machine, and how each installation's are run."""

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hedgerow_local.errors import LocalError

SERVER_USER = "postgres"
_REACHABLE = Path("/var/tmp")
_PRELOAD = {"shared_preload_libraries": "timescaledb", "timescaledb.telemetry_level": "off"}


class Programs(msgspec.Struct, frozen=True, kw_only=True):
    """One installation's programs.

    Attributes:
        bindir: their folder, as they see it.
        user: whom the caller has to run them as; None means whoever we are.
        root: what they see as `/`; when it is another than ours, the command itself goes there and drops root.
        settings: what a server needs besides.
    """

    bindir: Path
    user: str | None = None
    root: Path = Path("/")
    settings: dict[str, str] = {}

    @property
    def has_timescaledb(self) -> bool:
        return bool(self.settings)

    def command(self, program: str, *arguments: str) -> list[str]:
        """How to run one of them."""
        command = [str(self.bindir / program), *arguments]
        if self.root == Path("/"):
            return command
        return ["chroot", f"--userspec={SERVER_USER}:{SERVER_USER}", str(self.root), *command]

    def inside(self, path: Path) -> Path:
        """A path of ours as the programs see it."""
        return Path("/") / path.relative_to(self.root)

    def room(self, wanted: Path) -> Path | None:
        """A folder that the programs can reach instead of `wanted`'s; None when they reach that as well as we."""
        digest = hashlib.sha256(str(wanted.absolute()).encode()).hexdigest()[:12]
        if self.root != Path("/"):
            return self.root / "var" / "lib" / f"hedgerow-{digest}"
        return None if self.user is None else _REACHABLE / f"hedgerow-{digest}"

    def owner(self) -> tuple[int, int]:
        """User and group that the programs' files belong to."""
        if self.root == Path("/"):
            entry = pwd.getpwnam(SERVER_USER)
            return entry.pw_uid, entry.pw_gid
        for line in (self.root / "etc" / "passwd").read_text().splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == SERVER_USER:
                return int(uid), int(gid)
        raise LocalError(
            f"{self.root} has no user {SERVER_USER}; delete the folder and run scripts/install.sh"
        )


def packaged() -> Programs:
    """The newest Postgres of this system.

    Raises:
        LocalError: there is none, or we are root and there is nobody to run it as.
    """
    return Programs(bindir=find_bindir(), user=server_user())


def for_history() -> Programs:
    """The newest Postgres with TimescaleDB: this system's, or the one that `scripts/install.sh` keeps in a root of its
    own, which only root may enter. Without either, the newest plain one.

    Raises:
        LocalError: as `packaged`.
    """
    for control in _newest_first(Path("/usr/share/postgresql").glob("*/extension/timescaledb.control")):
        bindir = Path("/usr/lib/postgresql") / control.parents[1].name / "bin"
        if (bindir / "postgres").is_file():
            return Programs(bindir=bindir, user=server_user(), settings=_PRELOAD)
    root = timescale_root()
    if os.geteuid() == 0:
        share = root / "usr" / "share" / "postgresql"
        for control in _newest_first(share.glob("*/extension/timescaledb.control")):
            bindir = Path("/usr/lib/postgresql") / control.parents[1].name / "bin"
            return Programs(bindir=bindir, root=root, settings=_PRELOAD)
    return packaged()


def timescale_root() -> Path:
    """Where `scripts/install.sh` puts the root folder with TimescaleDB."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "hedgerow" / "timescaledb-root"


def find_bindir() -> Path:
    """The folder with `initdb` and `postgres`, the newest version first.

    Raises:
        LocalError: there is none; the message names where was looked.
    """
    candidates: list[Path] = []
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(answer.stdout.strip()))
    installed = list(Path("/usr/lib/postgresql").glob("*/bin"))
    candidates += sorted(installed, key=lambda path: _version_number(path.parent.name), reverse=True)
    for brew in (Path("/opt/homebrew/opt"), Path("/usr/local/opt")):
        candidates += sorted(brew.glob("postgresql*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).resolve().parent)
    for candidate in candidates:
        if (candidate / "initdb").is_file() and (candidate / "postgres").is_file():
            return candidate
    raise LocalError(
        "no PostgreSQL server found (initdb and postgres; looked at pg_config --bindir, /usr/lib/postgresql, "
        "Homebrew and PATH); scripts/install.sh installs it or says how"
    )


def _newest_first(controls: Iterable[Path]) -> list[Path]:
    return sorted(controls, key=lambda path: _version_number(path.parents[1].name), reverse=True)


def _version_number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def server_user() -> str | None:
    """Who the server must run as: initdb and postgres refuse root. None means whoever we are.

    Raises:
        LocalError: we are root and the user that the packages make does not exist.
    """
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise LocalError(
            f"Postgres refuses to run as root, and there is no system user {SERVER_USER!r} to run it as; "
            "install the packaged server, which makes that user, or run as an ordinary user"
        ) from None
    return SERVER_USER
