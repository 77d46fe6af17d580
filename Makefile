# Each target does all of its own set-up, in .venv. PYTHON=python3.12 make bench picks an interpreter.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: bench test lint clean

bench: .venv/.bench
	$(BIN)/python benchmark_all.py --profile quick; status=$$?; \
	MPLBACKEND=Agg $(BIN)/python utils.py || exit $$?; exit $$status

test: lint
	$(BIN)/python -m pytest

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What was measured (results/) stays.
clean:
	rm -rf .venv cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.venv/.bench: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed; $$($(PYTHON) --version) found: PYTHON=python3.11 make bench"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/.dev: requirements-dev.txt .venv/.bench
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
