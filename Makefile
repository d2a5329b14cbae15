# Everything from a fresh checkout: `make run`, `make test`, `make bench`.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run packages test bench format messages clean

run: packages $(VENV)/.run
	@exec $(BIN)/python manage.py serve --port $(PORT)

packages:
	@sh deploy/system_packages.sh run

test: $(VENV)/.test
	@sh deploy/system_packages.sh test
	@exec $(BIN)/python -m tests.tools.run $(ARGS)

bench: $(VENV)/.test
	@sh deploy/system_packages.sh test
	@exec $(BIN)/python -m tests.bench

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(VENV)/.test
	$(BIN)/python -m tests.tools.messages

clean:
	rm -rf $(VENV) var

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "AMLS needs Python 3.11 or newer: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV) || { echo "Python has no venv: install it first (apt-get install python3-venv)."; rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/.test: requirements.txt tests/requirements.txt | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --requirement tests/requirements.txt
	@touch $@
