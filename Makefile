# Everything a newcomer needs: `make demo`, `make test`, `make serve`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
# Compiled once here, not by each of the processes of the demo and of the tests, which may be told to keep nothing.
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python
LOCK := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help demo demo-real serve test coverage fuzz busy bench lint docs tour migrations lock servers clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: .venv/.runtime ## Play the first review as a living one, in about half a minute
	@$(BIN)/living demo

demo-real: .venv/.runtime ## The same on Kafka, Elasticsearch and PostgreSQL, one process a service
	@$(BIN)/python deploy/local up --instance demo
	@trap '$(BIN)/python deploy/local down --wipe --instance demo' EXIT; set -a; \
	  eval "$$($(BIN)/python deploy/local env --instance demo)"; $(BIN)/living demo --processes --folder data/demo-real

serve: .venv/.runtime ## Run the platform on http://127.0.0.1:8000, data under ./data
	@$(BIN)/living serve

test: .venv/.dev ## Run the whole suite; with Java and Maven also on the real servers
	@$(BIN)/python -m tests

coverage: .venv/.dev ## The same, and say which lines no test reached
	@$(BIN)/python -m tests --cov --cov-report=term:skip-covered

fuzz: .venv/.dev ## Look for inputs nobody thought of, longer and at random; SEED=... does the same again
	@$(BIN)/python -m tests --random $(SEED)

busy: .venv/.dev ## Run the tests that wait 20 times beside 8 busy processes; FILES=... those of these files
	@$(BIN)/python -m tests --busy 8 --times 20 $(FILES)

bench: .venv/.dev ## Measure the pipeline, and 200 people at once, beside what they stand on
	@$(BIN)/python -m bench

lint: .venv/.dev ## Check style, types, the rules of import, and that no event breaks its readers
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports \
	  && $(BIN)/python -m docs.asyncapi

docs: .venv/.dev ## Write the generated pages anew
	@$(BIN)/python -m docs

tour: .venv/.dev ## Take the pictures of docs/tour.md anew (needs Chromium)
	@$(BIN)/python -m tests.tour

migrations: .venv/.dev ## Write a migration for whatever the models have and the migrations lack
	@$(BIN)/python -m deploy.migrations
	@$(BIN)/ruff check --quiet --fix --select I services/*/migrations && $(BIN)/ruff format --quiet services/*/migrations

servers: .venv/.runtime ## Start Kafka, Elasticsearch and PostgreSQL without Docker
	@$(BIN)/python deploy/local up

lock: .venv/.build ## Resolve the dependencies anew, with hashes and without addresses
	@$(BIN)/$(LOCK) pyproject.toml -o requirements.lock
	@$(BIN)/$(LOCK) pyproject.toml --group dev -o requirements-dev.lock
	@$(BIN)/$(LOCK) --group build -o requirements-build.lock
	@$(BIN)/$(LOCK) --group servers -o requirements-servers.lock

clean: ## Remove the virtual environment (never data)
	rm -rf .venv

.venv/.build: requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "making .venv"
	@$(PYTHON) -m venv .venv || { echo "the venv module is missing: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

.venv/.runtime: .venv/.build requirements.lock pyproject.toml
	@echo "installing what it runs on"
	@$(UV) --require-hashes -r requirements.lock
	@$(UV) --no-build-isolation --no-deps -e .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo "installing what it is tested with"
	@$(UV) --require-hashes -r requirements-dev.lock
	@touch $@
