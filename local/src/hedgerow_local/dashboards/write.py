"""Renders the dashboards to the files that the chart mounts."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from hedgerow_local.dashboards.desk import desk
from hedgerow_local.dashboards.pipeline import pipeline

FOLDER = Path("charts/hedgerow/dashboards")


def rendered() -> dict[str, str]:
    """The text of every file, by its name in `FOLDER`."""
    boards = (desk().build(), pipeline().build())
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {f"{board.uid}.json": encoder.encode(board) + "\n" for board in boards}


def write(root: Path) -> None:
    """Write every file below this checkout."""
    for name, text in rendered().items():
        (root / FOLDER / name).write_text(text)
