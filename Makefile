PYTHON ?= python3.11
VENV := .venv
STAMP := $(VENV)/.stamp
PY := $(VENV)/bin/python
WORKERS ?= 2
GRAPHS ?= 2000
CACHE := $(CURDIR)/.cache
# arviz announces something at its first import of the day and notes the day in a file, over which two
# workers can trip: the note is written beforehand.
PYTEST = mkdir -p "$(CACHE)/arviz" && date +%F >"$(CACHE)/arviz/daily_warning" && \
	XDG_CACHE_HOME="$(CACHE)" $(PY) -m pytest -n $(WORKERS)

# Worker processes start anew for each fit on Pyro: their modules are compiled once.
unexport PYTHONDONTWRITEBYTECODE
# One BLAS thread a process; jax's compiled programs are kept between runs.
export OMP_NUM_THREADS ?= 1
export JAX_COMPILATION_CACHE_DIR ?= $(CACHE)/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0.1

.PHONY: $(VENV) demo test slow lint format fuzz table bench cases peers clean

test: $(STAMP)
	$(PYTEST) $(ARGS)

slow: $(STAMP)
	$(PYTEST) -m slow $(ARGS)

# An environment that is there already and works is kept and brought to the lock.
$(VENV): $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet -r requirements.lock
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(STAMP)
	$(PY) -m gendsl_models.demo --out demo

lint: $(STAMP)
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --cache-dir .cache/import_linter

format: $(STAMP)
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

# README's table of what applies to what.
table: $(STAMP)
	$(PY) -m tests.docs.table

fuzz: $(STAMP)
	$(PY) -m tests.fuzz --graphs $(GRAPHS) --shards 2 --out .cache/fuzz

bench: $(STAMP)
	$(PY) -m tests.benchmarks $(ARGS)

# Every reference posterior on both backends and engines; resumes where it was stopped.
cases: $(STAMP)
	$(PY) -m tests.benchmarks.cases $(ARGS)

# From data to summary, against programs written by hand.
peers: $(STAMP)
	$(PY) -m tests.benchmarks.peers $(ARGS)

# Leaves the environment; `rm -r .venv` takes that too.
clean:
	rm -rf .cache demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
