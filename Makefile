# Each target does all of its own set-up, in .venv. PYTHON=python3.12 make bench picks an interpreter.
PYTHON ?= python3
BIN := .venv/bin
# uv, where it is there, installs the same in a fraction of the time.
INSTALL := $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install \
--quiet --disable-pip-version-check --no-compile)

# Where Python is told to keep no compiled files, each of many interpreters would compile the suite anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: what-can-be-installed bench bench-stores test test-all lint clean

bench: .venv/.bench
	$(BIN)/python benchmark_all.py --profile quick; status=$$?; \
	MPLBACKEND=Agg $(BIN)/python utils.py > /dev/null && $(BIN)/python utils.py report || exit $$?; exit $$status

# Dask on shared-memory stores, three repetitions; Plasma's packages live in .venv-plasma.
bench-stores: .venv/.stores .venv-plasma/.done
	$(BIN)/python benchmark_dask_stores.py client_scatter worker_scatter array dataframe --trials 3 --memory-trials 3 \
	--n-jobs $$($(BIN)/python -c 'import loky; print(min(4, loky.cpu_count(only_physical_cores=True)))')

# Tests run side by side, where each process of tests can have namespaces of its own: see tests/side_by_side.py.
PYTEST := $(BIN)/python -m pytest -n auto

test: lint
	$(PYTEST)

# Besides: every row of every library, clusters on two hosts, kills.
test-all: test
	$(PYTEST) -m "full and not alone"
	$(BIN)/python -m pytest -m alone

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What was measured (results/) stays.
clean:
	rm -rf .venv .venv-plasma cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.venv/.bench: requirements.txt requirements-libraries.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed; $$($(PYTHON) --version) found: PYTHON=python3.11 make bench"; exit 2; }
	$(PYTHON) -m venv .venv
	$(INSTALL) -r requirements.txt || $(MAKE) --no-print-directory what-can-be-installed
	$(BIN)/python -m compileall -q -j 0 .venv/lib > /dev/null || true  # on all cores; some templates are no Python
	touch $@

# A library that has no release for this Python or machine does not keep the others from being measured.
what-can-be-installed:
	grep -v '^-r' requirements.txt > .venv/suite.txt
	$(INSTALL) -r .venv/suite.txt
	for library in $$(grep -v '^#' requirements-libraries.txt); do \
	$(INSTALL) $$library || echo "$$library cannot be installed here: its rows say so."; done

.venv/.stores: requirements-stores.txt .venv/.bench
	$(INSTALL) -r requirements-stores.txt || \
	echo "Not all stores can be installed on this Python: their rows say so."
	touch $@

.venv-plasma/.done: requirements-plasma.txt
	$(PYTHON) -m venv .venv-plasma
	.venv-plasma/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-plasma.txt && touch $@ || \
	{ rm -rf .venv-plasma; echo "Plasma cannot be installed on this Python: its row says so."; }

.venv/.dev: requirements-dev.txt tests/axe.py .venv/.stores
	$(INSTALL) -r requirements-dev.txt
	$(BIN)/python -m tests.axe
	touch $@
