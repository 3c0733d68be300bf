# Needs Python >= 3.11, git and make. Every target sets up what it needs in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO := build/demo
# Tests at a time: 2 to 4, by the processors there are.
WORKERS ?= $(shell .ci/workers)

# Compiled kernels are cached here, so that the source folders may be read-only.
export NUMBA_CACHE_DIR ?= $(CURDIR)/.numba_cache

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo test test-slow lint format types layers generate generate-check check docs-figures clean help

demo: $(VENV)/.core ## derive GELU's theory, emit its kernels, and use them
	@mkdir -p $(DEMO)
	$(BIN)/freejac derive gelu --emit $(DEMO)/gelu_kernels.py
	cd $(DEMO) && $(CURDIR)/$(BIN)/python $(CURDIR)/docs/demo.py

PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_OPTIONS)

test: $(VENV)/.test ## the quick tests, on two to four workers
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.test ## the tests longer than a few seconds
	$(PYTEST) -m slow

lint: $(VENV)/.dev ## ruff: rules and formatting of the hand-written code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## rewrite the hand-written code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy --strict on the hand-written code
	$(BIN)/mypy

layers: $(VENV)/.dev ## the contract on who may import whom
	$(BIN)/lint-imports

generate: $(VENV)/.core ## write generated/ anew
	$(BIN)/freejac generate

generate-check: $(VENV)/.core ## is generated/ what the engine writes?
	$(BIN)/freejac generate --check

claims: $(VENV)/.core ## check every claim of derivations/ and write docs/claims.md anew
	$(BIN)/freejac verify --all --page docs/claims.md

claims-check: $(VENV)/.core ## is docs/claims.md what the engine finds? Takes minutes
	$(BIN)/freejac verify --all --page docs/claims.md --check

check: lint types layers generate-check ## everything but the tests

docs-figures: $(VENV)/.test ## draw the pictures of docs/figures
	$(BIN)/python docs/figures.py

clean: ## remove everything that can be made again
	rm -rf $(VENV) build dist *.egg-info .numba_cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "freejac needs Python 3.11 or newer, but $(PYTHON) is: $$($(PYTHON) --version 2>&1 | head -n 1). Name another: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# The stamps follow pyproject.toml: a changed dependency is installed before the next run.
$(VENV)/.core: pyproject.toml | $(VENV)/.made
	$(PIP) -e .
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.made
	$(PIP) -e '.[test]'
	@touch $@ $(VENV)/.core

$(VENV)/.dev: pyproject.toml | $(VENV)/.made
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.test $(VENV)/.core
