# Everything from a bare checkout: Python 3.11+ and make are all that must be there.
#   make demo    the whole story on a local chain and database
#   make test    all checks and tests (under 8 minutes on 2 cores)
#   make check   the same, with the full fault and fuzz sweeps
#   make bench   how long commands take, against the plain way of doing the same

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check bench lint tools contract screenshots format constraints errors-doc audit-dependencies clean

demo: $(VENV)/.sandbox
	$(BIN)/mayhouse demo

test: lint tools
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile -m "not sweep"

check: lint tools
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile

bench: tools
	$(BIN)/python -m tests.bench

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

# The README's pictures, drawn from commands run on a sandbox.
screenshots: $(VENV)/.dev tools
	$(BIN)/python tools/screenshots.py

# docs/errors.md, out of the error classes.
errors-doc: $(VENV)/.dev
	$(BIN)/python tools/errors_doc.py

# The versions and checksums of a release, for every platform: asks pip, installs nothing.
constraints: $(VENV)/.dev
	$(BIN)/python tools/constraints.py

# Exit 2 when the service with the known vulnerabilities cannot be reached: nothing was checked.
audit-dependencies: $(VENV)/.audit/bin/pip-audit
	$(VENV)/.audit/bin/python tools/audit_dependencies.py

# Apart from what is audited, so that its own dependencies do not decide ours.
$(VENV)/.audit/bin/pip-audit: $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/.audit
	$(VENV)/.audit/bin/pip install -q 'pip-audit>=2.9,<3'

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
