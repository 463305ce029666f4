"""Dashboards and alerts: every query parses and names metrics, panels lie side by side, alerts have runbooks."""

import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml
from dashboard_queries import alert_expressions, dashboard_expressions, metrics_of

from hedgerow_local.dashboards.files import rendered

ROOT = Path(__file__).resolve().parents[3]
RUNBOOKS = ROOT / "docs" / "runbooks"
ALERTS = yaml.safe_load((ROOT / "charts/hedgerow/alerts/hedgerow.yaml").read_text())["groups"][0]["rules"]


@pytest.mark.parametrize("expression", [*dashboard_expressions(), *alert_expressions()])
def test_every_query_parses_and_names_a_metric(expression: str) -> None:
    assert promql_parser.parse(expression)
    assert metrics_of(expression)


def test_no_two_panels_of_a_dashboard_overlap() -> None:
    for text in rendered().values():
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(text)["panels"]:
            at = panel["gridPos"]
            cells = {
                (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
            }
            assert not taken & cells, panel["title"]
            assert at["x"] + at["w"] <= 24
            taken |= cells


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_has_a_runbook_that_is_headed_by_its_name(alert: dict) -> None:
    page = ROOT / alert["annotations"]["runbook"]
    assert page.read_text().startswith(f"# {alert['alert']}\n")
    assert f"]({page.name})" in (RUNBOOKS / "README.md").read_text()
    assert alert["labels"]["severity"] in ("critical", "warning")


def test_each_runbook_belongs_to_an_alert() -> None:
    pages = {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"}
    assert pages == {Path(alert["annotations"]["runbook"]).name for alert in ALERTS}


def test_metric_names_follow_prometheus_conventions() -> None:
    """Base units, plural-free prefixes, and `_total` for whatever is rated or increased."""
    for expression in [*dashboard_expressions(), *alert_expressions()]:
        for rated in re.findall(r"(?:rate|increase)\((\w+)", expression):
            assert rated.endswith(("_total", "_bucket")), rated
        assert not re.search(r"_(ms|millis|kb|percent)\b", expression)
