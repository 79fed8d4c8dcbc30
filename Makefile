# One command per need. `make setup` is run by all the others; it does nothing when
# the environment is there and pyproject.toml has not changed since.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# What else pytest, `make test ARGS="-k retry -x"`, is to be told.
ARGS ?=
WORKERS ?= 2
# Tests of a file stay together; the order is that of tests/conftest.py.
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: setup demo test test-fast lint format bench docs clean

setup: $(INSTALLED)
	@:

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Perdure and its tools into $(VENV) ..." >&2
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# Compile examples/orders and run it on an embedded PostgreSQL.
demo: setup
	@$(BIN)/python examples/orders/demo.py

# The whole suite, the slow tests (crashes, packaging) included.
test: setup
	@$(BIN)/python -m pytest $(SPREAD) $(ARGS)

# What is worth running after every change.
test-fast: setup
	@$(BIN)/python -m pytest $(SPREAD) -m "not slow" $(ARGS)

lint: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Print the tables of bench/ (BENCH_ARGS="--quick --peers none"); a quarter of an hour
# and longer, and best on an idle machine. See bench/README.md.
BENCH_ARGS ?=
bench: setup
	@$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@$(BIN)/python bench/project/run.py
	@$(BIN)/python -m bench.runtime $(BENCH_ARGS)

# Write the parts of docs/ that are generated, from real output.
docs: setup
	@$(BIN)/python -m pytest -q tests/docs --accept

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .perdure
