#!/usr/bin/env bash
# A kind cluster with the chart of this checkout in it. `kind delete cluster --name hedgerow` takes it away.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for tool in docker kind skaffold kubectl helm; do
  command -v $tool >/dev/null || { echo "make kind needs $tool on PATH" >&2; exit 1; }
done
kind get clusters | grep -qx hedgerow || kind create cluster --config k8s/kind/cluster.yaml --wait 120s
skaffold run --kube-context kind-hedgerow
kubectl --context kind-hedgerow -n hedgerow apply -f k8s/examples/
kubectl --context kind-hedgerow -n hedgerow wait --for=condition=Ready hedgestrategy/btc-band --timeout=180s
