# Everything from a fresh checkout: `make run`, `make test`, `make quick`, `make bench`.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
LOCKING := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run packages test quick bench format messages lock clean

run: packages $(VENV)/.run
	@exec $(BIN)/python manage.py serve --port $(PORT)

packages:
	@sh deploy/system_packages.sh run

test: $(VENV)/.test
	@sh deploy/system_packages.sh test
	@exec $(BIN)/python -m tests.tools.run $(ARGS)

quick: $(VENV)/.test
	@exec $(BIN)/python -m tests.tools.run -n 2 --dist loadgroup -m 'unit and not odd' $(ARGS)

bench: $(VENV)/.test
	@sh deploy/system_packages.sh test
	@exec $(BIN)/python -m tests.bench $(ONLY)

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(VENV)/.test
	$(BIN)/python -m tests.tools.messages

# What the requirements bring with them, with hashes: renewed after a change of either file, or to take newer releases.
lock: $(VENV)/.test
	$(BIN)/uv pip compile $(LOCKING) requirements.txt --output-file requirements.lock
	$(BIN)/uv pip compile $(LOCKING) tests/requirements.txt --output-file tests/requirements.lock

clean:
	rm -rf $(VENV) var

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "AMLS needs Python 3.11 or newer: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python has no venv: install it first (apt-get install python3-venv)."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "The virtual environment could not be made in $(CURDIR)/$(VENV)."; rm -f $@; exit 1; }

$(VENV)/.run: requirements.lock | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/.test: tests/requirements.lock | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --require-hashes --requirement tests/requirements.lock
	@touch $@
