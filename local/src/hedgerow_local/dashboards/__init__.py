"""The Grafana dashboards as code. `python -m hedgerow_local.dashboards` writes them where the chart mounts them."""
