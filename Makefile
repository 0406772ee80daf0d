# make run    install into .venv and run the default suite on emulated kit
# make test   install and run the tests
# make lint   ruff and mypy
# make peers  clients and servers nobody here wrote, against ours (tests/interop)
# make browser  the pages in a real headless browser (Debian: chromium)
# make labgrid  stations through a real labgrid coordinator and exporter (tests/labgrid)
# make bench  measurements (docs/performance.md); ARGS=--full takes the large sizes too
# make bench-peers  what some of them compare with, installed aside (benchmarks/peers.txt)
# make prove  the long evidence (docs/evidence.md)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= auto

PEERS := $(VENV)/peers

LABGRID := $(VENV)/labgrid
BENCH_PEERS := $(VENV)/bench-peers

.PHONY: run test lint peers labgrid browser bench bench-peers prove docs screenshots clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

run: $(VENV)/installed
	$(BIN)/smets1-bench run

test: $(VENV)/installed-test
	$(BIN)/python -m pytest -n $(WORKERS) -q $(ARGS)

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(PEERS)/installed: tests/interop/peers.txt $(VENV)/installed-test
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/interop/peers.txt
	touch $@

peers: $(PEERS)/installed
	SMETS1_BENCH_PEERS=$(CURDIR)/$(PEERS)/bin/python $(BIN)/python -m pytest -n $(WORKERS) -q -rs tests/interop

$(VENV)/installed-browser: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]'
	touch $@

browser: $(VENV)/installed-browser
	$(BIN)/python -m pytest -q -rs tests/serving/test_in_browser.py tests/report/test_in_browser.py

$(LABGRID)/installed: tests/labgrid/labgrid.txt $(VENV)/installed-test
	$(PYTHON) -m venv $(LABGRID)
	$(LABGRID)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/labgrid/labgrid.txt
	touch $@

labgrid: $(LABGRID)/installed
	SMETS1_BENCH_LABGRID_CLIENT=$(CURDIR)/$(LABGRID)/bin/labgrid-client $(BIN)/python -m pytest -q -rs tests/labgrid

$(BENCH_PEERS)/installed: benchmarks/peers.txt
	$(PYTHON) -m venv $(BENCH_PEERS)
	$(BENCH_PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers.txt
	touch $@

bench-peers: $(BENCH_PEERS)/installed

$(VENV)/installed-benchmarks: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[benchmarks]'
	touch $@

bench: $(VENV)/installed-benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

prove: $(VENV)/installed-test
	$(BIN)/python -m tests.prove

docs: $(VENV)/installed-test
	$(BIN)/python -m tests.requirements_doc --write
	$(BIN)/python -m tests.docs.reference --write
	$(BIN)/python -m tests.pipe_faults_doc --write
	$(BIN)/python -m tests.deviants.doc --write

screenshots: $(VENV)/installed-browser
	$(BIN)/python -m tests.screenshots

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
