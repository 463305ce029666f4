"""Prometheus over the local stack's workers, where it is installed."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from hedgerow_local.ports import LOOPBACK

SCRAPE_INTERVAL = "2s"
RETENTION = "1d"


def find_prometheus() -> str | None:
    """The server on PATH or the install script's; None where there is none, and the stack runs without."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return shutil.which("prometheus") or shutil.which(f"{cache}/hedgerow/prometheus/usr/bin/prometheus")


def prepare(home: Path, workers: Mapping[str, int], rules: Path) -> None:
    """Write the server's configuration.

    Args:
        workers: by name, the port of `/metrics`.
        rules: file of alerting rules.
    """
    home.mkdir(parents=True, exist_ok=True)
    targets = [
        {"targets": [f"{LOOPBACK}:{port}"], "labels": {"worker": name}} for name, port in workers.items()
    ]
    settings = {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "hedgerow", "static_configs": targets}],
    }
    # JSON is YAML too.
    (home / "prometheus.yml").write_text(json.dumps(settings, indent=2))


def server_command(binary: str, home: Path, port: int) -> tuple[str, ...]:
    """How to run the server in the foreground, once `prepare` was called."""
    return (
        binary,
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--storage.tsdb.retention.time={RETENTION}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    )
