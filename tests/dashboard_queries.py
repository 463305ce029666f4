"""Every PromQL query of the dashboards and alerts, and the metrics that it names."""

import json
import re
from pathlib import Path

import promql_parser
import yaml

from hedgerow_local.dashboards.files import rendered

ROOT = Path(__file__).resolve().parents[1]
# Grafana puts in the viewer's choice before it asks.
VARIABLE = re.compile(r"\$\w+")


def dashboard_expressions() -> list[str]:
    """As Prometheus gets them, with every variable set to All."""
    return [
        VARIABLE.sub(".*", target["expr"])
        for text in rendered().values()
        for panel in json.loads(text)["panels"]
        for target in panel["targets"]
    ]


def alert_expressions() -> list[str]:
    groups = yaml.safe_load((ROOT / "charts/hedgerow/alerts/hedgerow.yaml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def metrics_of(expression: str) -> set[str]:
    """The names of all series that the expression selects."""
    found: set[str] = set()
    _collect(promql_parser.parse(expression), found)
    return found


def _collect(node: object, found: set[str]) -> None:
    if isinstance(node, promql_parser.VectorSelector):
        found.add(node.name)
    elif isinstance(node, promql_parser.MatrixSelector):
        _collect(node.vector_selector, found)
    elif isinstance(node, promql_parser.BinaryExpr):
        _collect(node.lhs, found)
        _collect(node.rhs, found)
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            _collect(argument, found)
    elif not isinstance(node, promql_parser.NumberLiteral | promql_parser.StringLiteral):
        _collect(node.expr, found)  # type: ignore[attr-defined]  # aggregates, parentheses, signs, subqueries
