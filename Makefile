# Everything from a bare checkout: Python 3.11+ and make are all that must be there.
#   make demo    the whole story on a local chain and database
#   make test    all checks and tests (under 8 minutes on 2 cores)
#   make check   the same, with the full fault and fuzz sweeps

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check lint tools contract format clean

demo: $(VENV)/.sandbox
	$(BIN)/mayhouse demo

test: lint tools
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile -m "not sweep"

check: lint tools
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The chain node, cast and the Solidity compiler, from the npm registry.
tools: tools/node_modules/.installed

tools/node_modules/.installed: tools/package.json $(VENV)/.dev
	cd tools && ../$(BIN)/python nodejs.py npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error
	touch $@

contract: tools
	$(BIN)/python tools/nodejs.py node tools/compile_contract.mjs

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.sandbox: pyproject.toml $(VENV)/bin/python
	$(BIN)/pip install -q -e '.[sandbox]'
	touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/bin/python
	$(BIN)/pip install -q -e '.[dev]'
	touch $@ $(VENV)/.sandbox

clean:
	rm -rf $(VENV) tools/node_modules
