"""The few kinds of panel that the dashboards are made of."""

from collections.abc import Sequence

import msgspec
from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

HEIGHT = 8
DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")


class Query(msgspec.Struct, frozen=True):
    """One PromQL expression and how its series are named in the legend."""

    expression: str
    legend: str = ""


def graph(title: str, text: str, *queries: Query, unit: str = "short", span: int = 12) -> timeseries.Panel:
    """Lines over time; `unit` is one of Grafana's."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .unit(unit)
        .height(HEIGHT)
        .span(span)
        .fill_opacity(8)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    for query in queries:
        panel = panel.with_target(
            prometheus.Dataquery().expr(query.expression).legend_format(query.legend).range()
        )
    return panel


def number(
    title: str, text: str, expression: str, *, unit: str = "short", red_from: float | None
) -> stat.Panel:
    """One number now; red from `red_from` up, where that means trouble."""
    steps = [models.Threshold(color="green", value=None)]
    if red_from is not None:
        steps.append(models.Threshold(color="red", value=red_from))
    return (
        stat.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .unit(unit)
        .height(4)
        .span(4)
        .thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
        .with_target(prometheus.Dataquery().expr(expression).instant())
    )


def listing(title: str, text: str, query: Query, *, span: int = 12) -> table.Panel:
    """A table of the newest values, one row per series."""
    return (
        table.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(span)
        .with_target(
            prometheus.Dataquery()
            .expr(query.expression)
            .instant()
            .format(PromQueryFormat.TABLE)
            .legend_format(query.legend)
        )
    )


def board(
    uid: str,
    title: str,
    text: str,
    *panels: stat.Panel | timeseries.Panel | table.Panel,
    variables: Sequence[dashboard.QueryVariable] = (),
) -> dashboard.Dashboard:
    """A dashboard of the last 15 minutes, whose data source the viewer picks; panels flow in rows of 24."""
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(text)
        .tags(["hedgerow"])
        .timezone("utc")
        .time("now-15m", "now")
        .refresh("5s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in variables:
        made = made.with_variable(variable)
    for panel in panels:
        made = made.with_panel(panel)
    return made
