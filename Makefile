# Everything a fresh machine with Python 3.11+ and make needs: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: demo test test-long check bench fuzz docs clean help

help:            ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/ -/'

SAMPLE = $${TREASURY_WATCH_HOME:-$(CURDIR)/warehouse/sample}

demo: $(READY)   ## Install, then one run on the embedded sample; prints what it found, what to open and what to ask next
	@$(BIN)/treasury-watch run --sample
	@TREASURY_WATCH_HOME="$(SAMPLE)" $(BIN)/treasury-watch sell-offs --holder Japan --since 2024-04
	@echo
	@echo "Open:      $(SAMPLE)/reports/treasury-watch.html   (the page with charts; the mails are in $(SAMPLE)/outbox)"
	@echo "Ask next:  export TREASURY_WATCH_HOME=$(SAMPLE)"
	@echo "           $(BIN)/treasury-watch sell-offs --severity critical"
	@echo "           $(BIN)/treasury-watch trace Japan 2024-04 change"
	@echo "           $(BIN)/treasury-watch tables          (25 questions with SQL and answers: docs/cookbook.md)"
	@echo "Then:      unset TREASURY_WATCH_HOME && $(BIN)/treasury-watch run   (the official sources, from the internet)"

# What pytest makes of the modules is kept beside them, also where other programs are told to keep no bytecode: making it
# again takes each process some ten seconds.
test: export PYTHONDONTWRITEBYTECODE =
# One more than there are cores: some tests wait for servers and time limits.
WORKERS = $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")

test: $(READY)   ## Install, then all tests, offline, and what took longest; each module in one of as many processes as there are cores, and one more
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=15 --durations-min=2

test-long: $(READY) ## The tests that take minutes: kill -9 at over a hundred moments, deployments on a real Prefect server
	@$(BIN)/python -m pytest -m long

check: $(READY)  ## Lint, format, types, and which module may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(READY)  ## Measure against the goals in docs/benchmarks.md (about half an hour); DLT=python-with-dlt adds a baseline, BEFORE=checkout an older commit
	@$(BIN)/python -m tests.benchmarks.start
	@$(BIN)/python -m tests.benchmarks.answers 5 $(BEFORE)
	@$(BIN)/python -m tests.benchmarks.vintages
	@$(BIN)/python -m tests.benchmarks.cslt
	@$(BIN)/python -m tests.benchmarks.rebuild 3 $(DLT)

fuzz: $(READY)   ## Damage 200,000 documents and see that every parser reads or refuses them (about eight minutes)
	@$(BIN)/python -m tests.fuzz

docs: $(READY)   ## Write the reference pages from what is declared
	@$(BIN)/python -m treasury_watch.flows.commands.reference

clean:           ## Remove the virtual environment and caches; the data folder stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name one with make PYTHON=python3.12 ...")'
	@echo "Installing the locked dependencies into $(VENV) (about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(READY)
