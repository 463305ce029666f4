"""The notebook that the README names runs from its first cell to its last, against a real gateway."""

import json
from collections.abc import Callable
from math import log1p
from pathlib import Path

import nbformat
import pytest
from gateway_process import KEYS, Gateway, Quotes, eventually
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"
PERPETUAL = "BTC/USDT:USDT"


def read() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_git_has_it_without_outputs() -> None:
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert len(cells) > 4
    assert [cell.id for cell in cells if cell.outputs or cell.execution_count is not None] == []


async def test_the_notebook_hedges_by_curve_by_ladder_and_through_the_gateway(
    start_gateway: Callable[..., Gateway],
    quotes: Quotes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway = await start_gateway().ready()
    quotes.repeat(PERPETUAL, 60_000.0, 60_010.0)

    async def sized() -> bool:
        body = {"asset": "BTC", "amount_usd": 1, "override_score": 0}
        return (await gateway.call("POST", "/hedge", "vera", json_body=body)).status == 200

    await eventually("a hedge is sized", sized)
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("HEDGEROW_GATEWAY_URL", await gateway.url())
    monkeypatch.setenv("HEDGEROW_API_KEY", KEYS["vera"][1])
    client = NotebookClient(
        read(), timeout=120, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    told = printed(await client.async_execute())

    assert "score 0.70  curve  75.00%" in told["curve"]
    assert "10,000,000 USD near the mid: weight 1.0000, hedged 75.00%" in told["depth"]
    steps = [line for line in told["ladder"].splitlines() if line.startswith("LTV")]
    assert [line.split(" is ")[1].split(" of ")[0] for line in steps] == [
        "Normal -> 0.00%",
        "Caution -> 30.00%",
        "Danger -> 70.00%",
        "Critical -> 100.00%",
    ]
    assert told["ladder"].count("It would send: Sell 0.414 BTC/USDT:USDT") == 3
    answer = json.loads(told["hedge"])
    assert answer["confidence"] == pytest.approx(log1p(2e6) / log1p(1e7))
    assert answer["notional_usd"] == pytest.approx(100_000 * answer["hedge_pct"])
    by_gateway, here = (float(text.split()[-1]) for text in told["agree"].strip().split(","))
    assert by_gateway == here == pytest.approx(answer["hedge_pct"], abs=1e-6)
    assert told["refused"].strip() == "422 override_score is 1.5; a score is a number from 0 to 1"


def printed(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """What each cell wrote to standard output, by its id."""
    return {
        cell.id: "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
