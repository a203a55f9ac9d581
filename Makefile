# Everything a newcomer or a maintainer runs. Each target does its own set-up in .venv and .tools, inside this folder,
# and leaves nothing outside it.
#
#   make demo            see the exporter at work against a simulated Braze
#   make test            every check there is; .ci/run calls the same
#   make PYTHON=... X    with another Python than "python3"; 3.11 or later

PYTHON ?= python3
PYTEST_FLAGS ?=
SEED ?= 1000
COUNT ?= 1000
SECONDS ?= 60
FILES ?=
BIN := .venv/bin

# Temporary files of pytest and of the programs that tests start; set-up makes the folder.
export TMPDIR := $(CURDIR)/.tools/tmp
export PIP_CACHE_DIR := $(CURDIR)/.tools/pip-cache
# Another project's environment must not leak into ours.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
# The order of the checks is part of their use: quick ones first.
.NOTPARALLEL:
.PHONY: help demo screenshots test lint types unit live e2e host stack soak mutants fuzz bench test-deploy test-prometheus3 test-roads test-chart test-clients generate lock audit wheel-test man deb home release release-check clean setup-run setup-dev setup-lab components

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*  ## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z0-9-]+):.*  ## /\1\t/' | expand -t 18

demo: setup-run  ## start a simulated Braze and the exporter against it; stop with Ctrl-C
	@$(BIN)/braze-cdi-exporter demo

test: lint types unit live  ## every check, quick ones first

lint: setup-dev  ## style, import layers, glossary, YAML, shell
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.glossary
	@$(BIN)/yamllint --strict .
	@$(BIN)/zizmor --offline --quiet --persona=pedantic --min-severity=low .github
	@$(BIN)/shellcheck .ci/run tools/audit tools/build-deb tools/build-go-tools tools/build-prometheus3 tools/build-release tools/build-roads tools/fetch-braze-clients tools/fetch-components tools/fetch-grafana-drawing tools/fetch-grafana-schema tools/lock tools/pin-base tools/test-prometheus3 tools/test-wheel

types: setup-dev  ## mypy, strict
	@$(BIN)/mypy

unit: setup-dev components  ## all tests but those of e2e, host and stack
	@$(BIN)/pytest -n 2 --dist worksteal --ignore=tests/e2e --ignore=tests/host --ignore=tests/stack $(PYTEST_FLAGS)

live: setup-dev components  ## e2e, host and stack in parallel: they mostly wait
	@$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder tests/stack tests/host tests/e2e $(PYTEST_FLAGS)

e2e: setup-dev components  ## tests that start the installed command on real sockets, or build the packages
	@$(BIN)/pytest -n 3 --dist worksteal tests/e2e $(PYTEST_FLAGS)

host: setup-dev  ## tests that take from the installed command what a host may: log readers, signals, descriptors
	@$(BIN)/pytest -n 3 --dist worksteal tests/host $(PYTEST_FLAGS)

stack: setup-dev components  ## alerts and dashboards with the real Prometheus and Alertmanager; three minutes
	@$(BIN)/pytest -n 2 --dist loadfile tests/stack $(PYTEST_FLAGS)

soak: setup-dev  ## as much chaos and as many simulated weeks as you like: SECONDS=60 and COUNT=1000 from SEED=1000 on
	@$(BIN)/python -m tests.host.chaos --seconds $(SECONDS) --seed $(SEED)
	@$(BIN)/python -m tests.simulation --first $(SEED) --seeds $(COUNT) --processes 2

mutants: setup-lab  ## break each rule of the domain and see whether a test notices; FILES="ledger rows", or all in half an hour or more
	@$(BIN)/python tools/mutants.py $(FILES)

fuzz: setup-lab  ## look for input that decoding, wire or configuration cannot take: SECONDS=60 for each
	@$(BIN)/python tools/fuzz.py $(SECONDS)

bench: setup-dev components  ## page, state, requests, freshness, scale, start, host, alert rules, dashboard, learning and detection, measured; about half an hour
	@$(BIN)/python -m benchmarks.page --peers
	@$(BIN)/python -m benchmarks.state
	@$(BIN)/python -m benchmarks.poll
	@$(BIN)/python -m benchmarks.freshness
	@$(BIN)/python -m benchmarks.scale
	@$(BIN)/python -m benchmarks.start --peers
	@$(BIN)/python -m benchmarks.host
	@$(BIN)/python -m benchmarks.rules
	@$(BIN)/python -m benchmarks.dashboard
	@$(BIN)/python -m benchmarks.learning
	@$(BIN)/python -m benchmarks.detection

test-deploy: setup-dev  ## README's commands on a bare Debian, image, compose stack and systemd unit for real; root, an hour
	@$(BIN)/pytest -p no:cacheprovider -o python_files='heavy_*.py' tests/deploy/heavy $(PYTEST_FLAGS)

test-prometheus3: setup-dev  ## build Prometheus 3 with Go and run the tests that need one with it; some minutes
	@tools/test-prometheus3 $(PYTEST_FLAGS)

test-roads: setup-dev components  ## build Prometheus 3, VictoriaMetrics and a collector with Go, and see the same alerts on each road
	@tools/build-prometheus3
	@tools/build-roads
	@PATH=$(CURDIR)/.tools/roads/bin:$(CURDIR)/.tools/prometheus3/bin:$$PATH \
		$(BIN)/pytest -p no:cacheprovider -o python_files='heavy_*.py' tests/roads $(PYTEST_FLAGS)

generate: setup-dev  ## make again what is made of other files: dashboards, Kubernetes objects, mixin, Helm chart
	@$(BIN)/python -m deploy.grafana.source
	@$(BIN)/python tools/prometheus_rules.py
	@$(BIN)/python tools/helm_chart.py

test-chart: setup-dev components  ## build helm and Kubernetes' API server with Go, render the chart in many settings and try it; long the first time
	@tools/build-go-tools go
	@tools/build-go-tools kubernetes
	@$(BIN)/pytest -p no:cacheprovider -o python_files='heavy_*.py' tests/deploy/chart $(PYTEST_FLAGS)

test-clients: setup-dev  ## run Airflow's provider and Braze's MCP server against the simulated Braze; minutes the first time
	@tools/fetch-braze-clients
	@$(BIN)/pytest -p no:cacheprovider -o python_files='heavy_*.py' tests/clients $(PYTEST_FLAGS)

man: setup-dev  ## write the manual page, build/braze-cdi-exporter.1
	@mkdir -p build
	@$(BIN)/python tools/man_page.py > build/braze-cdi-exporter.1

screenshots: setup-dev components  ## take the pictures in docs/pictures of pages and dashboards, after a simulated month; five minutes
	@tools/fetch-grafana-drawing
	@$(BIN)/python -m tools.screenshots

deb: setup-dev  ## build the Debian package for the Python in use, into dist
	@rm -rf dist
	@$(BIN)/python -m hatchling build --directory dist/python
	@PYTHON=$(BIN)/python tools/build-deb

home: setup-dev  ## write URL=https://github.com/OWNER/PROJECT into every file that links to the project
	@$(BIN)/python tools/release.py home $(URL)

release: setup-dev  ## write VERSION=1.2.3 into every file that names it, and date the changelog's section
	@$(BIN)/python tools/release.py prepare $(VERSION)

release-check: setup-dev components  ## try all of a release that needs no registry, from a clean clone; ends with a table
	@tools/build-go-tools go
	@tools/build-go-tools kubernetes
	@$(BIN)/python tools/release_check.py

wheel-test: setup-dev components  ## build the wheel, install it in an environment of its own, run every test against it
	@tools/test-wheel

audit: setup-dev  ## ask for known vulnerabilities in the locked packages
	@tools/audit

lock: setup-dev  ## look for newer dependencies and rewrite requirements/*.txt (with Python 3.11)
	@tools/lock

clean:  ## remove everything that these commands have made
	rm -rf .venv .tools mutants build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@$(PYTHON) tools/setup.py run

setup-dev:
	@$(PYTHON) tools/setup.py dev

setup-lab:
	@$(PYTHON) tools/setup.py lab

components: setup-dev
	@tools/fetch-components
	@tools/fetch-grafana-schema
