# make demo: set up, then build the demo scenario on Docker and Podman and say where the report is.
# make quick: lint, types and the fast unit tests, for every save.
# make test-engines: the core of the contract suite on every version of the engines that there is.
# make corpus FOLDER=...: public Dockerfiles, fetched into a folder, through the lab's verbs.
# make matrix: what every version's cache makes of each kind of edit, measured anew.
# make chaos: damaged input, kills, full disks, broken streams and soak; SEED=, COUNT=, PARTS=.
# make test: set up, then run every check and test, those on real engines included.

.DEFAULT_GOAL := help
.PHONY: help demo quick test test-engines corpus matrix chaos lint clean
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What Python compiled is kept: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=
WORKERS ?= --numprocesses logical
ENGINES ?= docker@20.10 docker@26 docker@28 docker@28/containerd docker-classic@28 \
    podman@4.3 podman@5.4 podman@5.8
CORE := $(addprefix tests/contract/test_,engines.py truth.py causes.py kept_back.py cache_matrix.py remote_caches.py)
COUNT ?= 1000
SEED ?= 1
SCENARIO ?= scenarios/layer-cache.yaml

help:
	@sed -n 's/^# make/make/p' Makefile
	@echo "make lint: only the checks. make clean: remove the environment; results stay."

demo: $(VENV)/.lab
	@$(BIN)/lab doctor --install
	@$(BIN)/lab run $(SCENARIO) --engine docker --engine podman

quick: lint $(VENV)/.tools
	@$(BIN)/pytest tests/unit -q -m "not slow" --hypothesis-profile quick $(WORKERS) --dist loadfile

# The doctor waits for the network most of the time: the checks run beside it.
test: $(VENV)/.test
	@$(BIN)/lab doctor --install --tests & doctor=$$!; $(MAKE) --no-print-directory lint; checks=$$?; \
	    wait $$doctor && exit $$checks
	@$(BIN)/pytest -q -m "not timing" $(WORKERS) --dist loadgroup; beside=$$?; \
	    $(BIN)/pytest -q -m timing && exit $$beside

# Some fast tests run the host's tools: the doctor brings them once.
$(VENV)/.tools: pyproject.toml | $(VENV)/.test
	@$(BIN)/lab doctor --install --tests >/dev/null
	@touch $@

test-engines: $(VENV)/.test
	@$(BIN)/lab doctor --install --tests
	@LAB_TEST_ENGINES="$(ENGINES)" $(BIN)/pytest $(CORE)

corpus: $(VENV)/.test
	@test -n "$(FOLDER)" || { echo "make corpus FOLDER=...: see benchmarks/corpus.md"; exit 1; }
	@$(BIN)/python -m benchmarks.corpus "$(FOLDER)"

chaos: $(VENV)/.test
	@$(BIN)/lab doctor --install
	@$(BIN)/python -m tests.chaos --count $(COUNT) --seed $(SEED) $(PARTS)

matrix: $(VENV)/.test
	@$(BIN)/lab doctor --install --tests
	@$(BIN)/python -m benchmarks.cache_matrix

lint: $(VENV)/.test
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

# Debian's python3 comes without ensurepip, and a venv made without it has no pip.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "the lab needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	    package=python3-venv; \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "installing $$package"; \
	        apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	            apt-get install -y -qq --no-install-recommends $$package >/dev/null; \
	    else \
	        echo "$(PYTHON) cannot make environments; as root: apt-get install $$package"; exit 1; \
	    fi; }
	@echo "making the Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: pyproject.toml | $(VENV)/bin/python
	@echo "installing the lab into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	@echo "installing the lab and its test tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.lab
