"""Write what the bundled backtest comes to into the guide: `python scripts/policy_pages.py`.

`docs/guide/backtest.md` gets the table, between its markers, and `docs/guide/plots` the plots of `policy_plots.py`.
"""

from pathlib import Path

import policy_plots

from hedgerow.backtest.figures import figures_of, table_of
from hedgerow.backtest.replay import Replay
from hedgerow.cli.backtest import play

ROOT = Path(__file__).resolve().parents[1]
BARS = ROOT / "recordings" / "bars"
PAGE = ROOT / "docs" / "guide" / "backtest.md"
BEGIN, END = "<!-- figures: scripts/policy_pages.py -->", "<!-- end of figures -->"


def bundled_replays() -> list[Replay]:
    return play([BARS / "strategies.yaml"], BARS / "scenario.json")


def markdown_of(replays: list[Replay]) -> str:
    headers, rows = table_of([figures_of(item) for item in replays])
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    replays = bundled_replays()
    PAGE.write_text(f"{before}{BEGIN}\n{markdown_of(replays)}\n{END}{after}")
    for plot in policy_plots.plots_of(replays):
        policy_plots.draw(plot)


if __name__ == "__main__":
    main()
