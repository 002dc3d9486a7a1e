# make run    sets everything up and starts portal, worker and sandbox
# make test   sets everything up and runs the whole suite, browser tests included
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint bench lock clean

run: .venv/run
	@exec $(BIN)/python -m ingest up

test: .venv/test chromium mariadb
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder $(ARGS)

lint: .venv/test
	$(BIN)/ruff check .

bench: .venv/test
	$(BIN)/python -m benchmarks

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is needed; say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run: requirements.txt .venv/bin/python
	@echo "Setting up; this takes a minute or two the first time ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test: requirements-test.txt .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@

# Debian's Chromium, where it is missing and can be had; without it the browser tests say why they are skipped.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && echo "Installing Chromium for the browser tests ..." && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1; } || echo "Chromium could not be installed; the browser tests will be skipped."

# A MariaDB server from Debian, likewise, for the tests of its connector.
.PHONY: mariadb
mariadb:
	@PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && echo "Installing MariaDB for the tests ..." && apt-get update -qq && apt-get install -y -qq --no-install-recommends mariadb-server >/dev/null 2>&1; } || echo "MariaDB could not be installed; its tests will be skipped."

# Pins the newest versions of everything in requirements*.in.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet --disable-pip-version-check -r requirements.in
	{ echo "# Made by make lock from requirements.in."; .venv-lock/bin/pip freeze; } > requirements.txt
	.venv-lock/bin/pip install --quiet --disable-pip-version-check -r requirements-test.in
	{ echo "# Made by make lock from requirements-test.in."; .venv-lock/bin/pip freeze | grep -vxFf requirements.txt; } > requirements-test.txt
	rm -rf .venv-lock

clean:
	rm -rf .venv
