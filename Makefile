# `make run` and `make test` set everything up by themselves, once.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The build of torch for this machine, e.g. make run TORCH="torch==2.13.0 --index-url URL"
TORCH ?= -r requirements/torch.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := $(VENV)/.ready
# More than there are cores, as tests also wait. tests/support/scheduling.py says which go to one worker.
workers = -n $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() + $(1), 4))') --dist loadscope

.PHONY: help run test test-full test-all check lint types contracts docs bench experiments lock clean

help:
	@echo "make run     set up and run the nasdaq recipe"
	@echo "make test    set up and run the tests that one waits for (about 14 minutes on 2 cores)"
	@echo "make test-full   the others: kills, clusters, installations, more seeds (about 17 minutes)"
	@echo "make test-all   both, in less time than one after the other (about 30 minutes on 2 cores)"
	@echo "make check   lint, types, import contracts"
	@echo "make docs    the generated parts of docs"
	@echo "make bench   the benchmarks, and their table in README.md (about 40 minutes on a quiet machine)"
	@echo "make experiments   runs killed at random moments; damaged files; whom the gates let through (hours; goes on where it was)"
	@echo "make lock    resolve the versions anew"
	@echo "make clean   remove the environment and caches"

$(READY): requirements/lock.txt requirements/ccxt.txt requirements/torch.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"quorate needs Python 3.11 or later; this is {v.major}.{v.minor}: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --no-deps --require-hashes -r requirements/lock.txt -r requirements/ccxt.txt
	$(PIP) install --quiet $(TORCH)
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

run: $(READY)
	$(BIN)/quorate run nasdaq

test: $(READY)
	$(BIN)/python -m pytest -m "not full" $(call workers,1)

# Those of Ray wait most of the time.
test-full: $(READY)
	$(BIN)/python -m pytest -m full $(call workers,2) --durations=20

test-all: $(READY)
	$(BIN)/python -m pytest $(call workers,2) --durations=20

check: lint types contracts

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python docs/generate.py

bench: $(READY)
	$(BIN)/python tests/benchmarks/bench.py

experiments: $(READY)
	$(BIN)/python tests/experiments/kills.py
	$(BIN)/python tests/experiments/malformed.py
	$(BIN)/python tests/experiments/correlations.py
	for part in noise power clean sizes tables; do $(BIN)/python tests/experiments/evidence.py $$part || exit 1; done

# torch and ccxt stay out of it (see requirements/torch.txt, requirements/ccxt.txt). Containers install a part of it.
compile = $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-package torch --python-version 3.11 --no-header \
  --no-emit-find-links --no-emit-index-url
lock: $(READY)
	$(PIP) install --quiet uv
	$(compile) --extra dev -o requirements/lock.txt pyproject.toml
	$(compile) --extra serve --extra mlflow --extra postgresql --extra cluster -c requirements/lock.txt \
	  -o requirements/image.txt pyproject.toml
	echo hatchling | $(compile) -c requirements/lock.txt -o requirements/build.txt -

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
