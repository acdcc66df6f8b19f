# Two commands are enough: `make run` and `make test`. Everything else is for those who change Hone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: run test check bench conformance install clean help
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# The stamp is newer than pyproject.toml once everything is installed, so the second start takes seconds.
$(VENV)/.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Hone needs Python 3.11 or newer; name one with PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Hone and what it needs (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,dev]"
	@touch $@

install: $(VENV)/.stamp ## make the virtual environment

run: $(VENV)/.stamp ## start Hone on http://127.0.0.1:8501
	@$(BIN)/streamlit run app.py --server.port $(PORT)

test: $(VENV)/.stamp ## run all tests, a process a core
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: $(VENV)/.stamp ## format, lint, types, floors
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/core/test_floors.py

bench: $(VENV)/.stamp ## measure the figures Hone promises
	@$(BIN)/python -m benchmarks

conformance: $(VENV)/.stamp ## run a file of cases: make conformance CASES=FILE
	@test -n "$(CASES)" || { echo "Name the file: make conformance CASES=path/to/cases.json"; exit 2; }
	@$(BIN)/python -m tests.conformance $(CASES)

clean: ## remove the virtual environment (your data in .hone stays)
	@rm -rf $(VENV)
