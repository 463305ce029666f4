"""Where the local stack keeps what: all state under `.run/` of the checkout."""

import hashlib
import os
from pathlib import Path

import msgspec

from hedgerow_local.errors import LocalError

# A unix socket's path may have about 104 bytes, and supervisord adds its process id while it binds.
SOCKET_PATH_LIMIT = 90


class Layout(msgspec.Struct, frozen=True):
    """The checkout, and the folder for all state. `run` is made anew when it was deleted."""

    root: Path
    run: Path

    @property
    def state(self) -> Path:
        return self.run / "stack.json"

    @property
    def environment(self) -> Path:
        """`NAME=value` lines: from here the `hedgerow` command knows the running stack's servers."""
        return self.run / "stack.env"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def keys(self) -> Path:
        return self.run / "keys"

    @property
    def gateway_keys(self) -> Path:
        return self.run / "gateway-keys"

    @property
    def kafka(self) -> Path:
        return self.run / "kafka"

    @property
    def postgres(self) -> Path:
        return self.run / "pg"

    @property
    def history(self) -> Path:
        return self.run / "history"

    @property
    def redis(self) -> Path:
        return self.run / "redis"

    @property
    def prometheus(self) -> Path:
        return self.run / "prometheus"

    @property
    def alerts(self) -> Path:
        """Prometheus' alerting rules, the same that the chart installs."""
        return self.root / "charts" / "hedgerow" / "alerts" / "hedgerow.yaml"

    @property
    def examples(self) -> Path:
        return self.root / "k8s" / "examples"

    @property
    def treasury(self) -> Path:
        """The strategy of the treasury that a scenario adds."""
        return self.run / "scenario" / "btc-treasury.yaml"

    @property
    def recordings(self) -> Path:
        given = os.environ.get("HEDGEROW_RECORDINGS")
        return Path(given).absolute() if given else self.root / "recordings"

    @property
    def report(self) -> Path:
        return self.run / "demo-report.json"

    @property
    def supervisor_config(self) -> Path:
        return self.run / "supervisor.conf"

    @property
    def supervisor_socket(self) -> Path:
        socket = self.run / "supervisor.sock"
        if len(str(socket)) <= SOCKET_PATH_LIMIT:
            return socket
        return Path("/tmp") / f"hedgerow-{hashlib.sha256(str(socket).encode()).hexdigest()[:12]}.sock"

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def data(self, program: str) -> Path:
        return self.run / "data" / program


def find_layout() -> Layout:
    """The checkout that this package runs from.

    Raises:
        LocalError: the package was installed as a copy, without the checkout around it.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "scripts" / "install.sh").is_file():
        raise LocalError(
            f"hedgerow-local runs from a checkout, and {root} is none; install it with scripts/install.sh"
        )
    return Layout(root, root / ".run")
