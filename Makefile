# The only door: `make demo` and `make test` do all of their own set-up; a second run is quick.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV ?= .venv
PY := $(VENV)/bin/python
DATA ?= $(XNCAPS_DATA_DIR)
PYTEST := $(PY) -m pytest
SETUP := .make/venv

export TF_USE_LEGACY_KERAS := 1
export TF_CPP_MIN_LOG_LEVEL := 2
export NO_MKDOCS_2_WARNING := 1
export XNCAPS_DATA_DIR := $(DATA)

.PHONY: help setup demo test test-all test-matrix lint types unit slow format docs bench results dist clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

-include native/native.mk
-include android_demo/android.mk

setup: $(SETUP) ## .venv with every distribution of this project

NATIVE_SOURCES := $(shell find native/CMakeLists.txt native/pyproject.toml native/kernels \
  native/delegate native/include native/python -type f -not -name '*.pyc')

# g++ builds the native runtime from source; the other build tools come with pip.
$(SETUP): scripts/setup.sh pyproject.toml benchmark/pyproject.toml files/pyproject.toml zoo/pyproject.toml constraints/high.txt $(NATIVE_SOURCES)
	@scripts/apt.sh "the native runtime" g++
	@scripts/setup.sh $(VENV) constraints/high.txt
	@mkdir -p $(dir $@) && touch $@

.make/test-tools: scripts/apt.sh Makefile
	@scripts/apt.sh "make test" chromium dataset-fashion-mnist openssh-server \
	  cmake ninja-build libgtest-dev
	@mkdir -p $(dir $@) && touch $@

# A folder for each data set: a run is not taken up by a training on another one.
demo: $(SETUP) ## train, convert, verify and measure on digits; writes demo_out/index.html
	@$(VENV)/bin/xncaps demo --out $(if $(DATA),demo_out/mnist --data mnist --data-dir $(DATA),demo_out)

# The quick gates first; then the native library, Python, Android.
test: lint types docs native-test unit android-test ## everything that has to pass

lint: $(SETUP) ## ruff: errors, imports, format
	@$(VENV)/bin/ruff check --no-cache . && $(VENV)/bin/ruff format --check .

types: $(SETUP) ## pyright
	@$(VENV)/bin/pyright

unit: $(SETUP) .make/test-tools .make/android native-tools ## pytest, all but what is marked slow
	@scripts/unit.sh $(PY)

slow: $(SETUP) .make/test-tools .make/android ## pytest, what is marked slow
	@$(PYTEST) -m slow

test-all: LIFECYCLES := 1000
test-all: test slow ## also what takes long

test-matrix: native-tools ## layers', converters' and runtime's tests at the low end of the tested range
	@scripts/setup.sh .venv-low constraints/low.txt
	@scripts/hosts.sh .venv-low/bin/python .make/hosts
	@XNCAPS_HOSTS=.make/hosts .venv-low/bin/python -m pytest tests/test_imports.py tests/test_saving.py \
	  tests/ops tests/layers tests/models/test_pooling.py tests/converters tests/runtime

format: $(SETUP) ## rewrites the sources in the project's format
	@$(VENV)/bin/ruff check --fix . ; $(VENV)/bin/ruff format .

docs: $(SETUP) ## the documentation as a site in build/site; warnings are errors
	@$(VENV)/bin/mkdocs build --strict --site-dir build/site

bench: $(SETUP) ## the speed of a training step against the published formulation
	@$(PY) bench/layer_step.py

results: $(SETUP) ## docs/results.md from the lines in experiments/results.jsonl
	@$(VENV)/bin/xncaps reproduce --page docs/results.md --results experiments/results.jsonl

dist: $(SETUP) ## sdists and wheels in dist/, tested as installed
	@scripts/dist.sh $(VENV)

clean: ## removes what this Makefile made, but for .venv
	rm -rf .make build dist demo_out
