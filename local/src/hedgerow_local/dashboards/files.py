"""The dashboards as the files that the chart mounts."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from hedgerow_local.dashboards.desk import desk
from hedgerow_local.dashboards.pipeline import pipeline

FOLDER = Path("charts/hedgerow/dashboards")


def rendered() -> dict[Path, str]:
    """The text of every file, by its path from the checkout's root."""
    boards = (desk().build(), pipeline().build())
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {FOLDER / f"{board.uid}.json": encoder.encode(board) + "\n" for board in boards}
