# The only door: `make demo` and `make test` do all of their own set-up; a second run is quick.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
PY := $(VENV)/bin/python
DATA ?= $(XNCAPS_DATA_DIR)
PYTEST := $(PY) -m pytest
SETUP := .make/venv

export TF_USE_LEGACY_KERAS := 1
export TF_CPP_MIN_LOG_LEVEL := 2
export XNCAPS_DATA_DIR := $(DATA)

.PHONY: help setup demo test test-all lint types unit format docs bench dist clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(SETUP) ## .venv with every distribution of this project

$(SETUP): scripts/setup.sh pyproject.toml benchmark/pyproject.toml $(wildcard native/pyproject.toml) constraints/high.txt
	@scripts/setup.sh $(VENV) constraints/high.txt
	@mkdir -p $(dir $@) && touch $@

demo: $(SETUP) ## train, convert, verify and measure on digits; writes demo_out/index.html
	@$(VENV)/bin/xncaps demo --out demo_out $(if $(DATA),--data mnist --data-dir $(DATA))

test: lint types unit docs ## everything that has to pass

lint: $(SETUP) ## ruff, formatting
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

types: $(SETUP) ## pyright
	@$(VENV)/bin/pyright

unit: $(SETUP) ## pytest but for what is marked slow
	@$(PYTEST)

test-all: lint types docs ## also what takes long
	@$(PYTEST) -m "slow or not slow"

format: $(SETUP) ## rewrites the sources in the project's format
	@$(VENV)/bin/ruff check --fix . ; $(VENV)/bin/ruff format .

docs: $(SETUP) ## the documentation as a site, warnings are errors
	@$(VENV)/bin/mkdocs build --strict --quiet --site-dir build/site

clean: ## removes what this Makefile made
	rm -rf .make build dist demo_out
