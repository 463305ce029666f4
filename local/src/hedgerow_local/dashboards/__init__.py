"""The Grafana dashboards as code; `make generate` writes them where the chart mounts them."""
