LOCAL := .venv/bin/hedgerow-local

.PHONY: help doctor install demo stop status logs test e2e kind faults bench lint generate

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

doctor: ## tell what this machine lacks, and change nothing
	@scripts/install.sh --check && $(LOCAL) doctor

install:
	@scripts/install.sh

demo: install ## run the whole pipeline (DEMO_SECONDS=60 when not on a terminal; SCENARIO=crash with an LTV ladder, squeeze, calm or gap)
	@$(LOCAL) demo

stop: ## end everything that make demo started
	@if [ -x $(LOCAL) ]; then $(LOCAL) stop; else echo "Nothing is installed, so nothing runs."; fi

status: ## what runs, and whether it is ready
	@$(LOCAL) status

logs: ## the last lines of every log (PROGRAM=hedging for one, followed)
	@$(LOCAL) logs $(PROGRAM)

test: install lint ## everything that one machine can test
	@scripts/install.sh --faults
	@scripts/install.sh --kubernetes
	@[ ! -f .run/kernels.stamp ] || cargo test --quiet --locked --manifest-path shared/kernels/Cargo.toml --target-dir .run/kernels-tests
	@.venv/bin/pytest

e2e: ## install the chart on a real cluster, hedge, kill, upgrade, uninstall (docs/guide/kubernetes.md)
	@scripts/install.sh --kubernetes
	@HEDGEROW_E2E=1 .venv/bin/pytest -s tests/e2e

kind: ## a cluster in Docker with the chart from this checkout (needs Docker, kind and skaffold)
	@k8s/kind/up.sh

faults: ## every fault at full size, hours (HEDGEROW_FAULTS_SCALE=0.1 for a tenth); writes docs/reliability.md
	@scripts/install.sh --faults
	@failed=0; for scenarios in tests/faults/test_*.py; do \
	  HEDGEROW_FAULTS=1 .venv/bin/pytest -s $$scenarios || failed=1; done; exit $$failed
	@scripts/install.sh --bench
	@HEDGEROW_FAULTS=1 HEDGEROW_BENCH=1 .venv/bin/pytest -s tests/bench/test_tick_to_order.py

bench: ## performance, each figure beside an anchor measured in the same run
	@scripts/install.sh --bench
	@HEDGEROW_BENCH=1 .venv/bin/pytest -s tests/bench

generate: install ## CRDs, the chart's copy of them and docs/reference, from the resources' models; the schema of the chart's values
	@$(LOCAL) generate
	@.venv/bin/python scripts/chart_schema.py

lint: install ## formatting, types and layers
	.venv/bin/ruff check --no-cache
	.venv/bin/ruff format --no-cache --check
	.venv/bin/mypy
	.venv/bin/lint-imports
