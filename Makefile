# Every command a contributor types; `make` alone lists them. What has to be there first:
# Python 3.11 to 3.14, git and make. PYTHON=python3.13 chooses another interpreter.

PYTHON ?= python3
ARGS ?=
SECONDS ?= 3
BIN := .venv/bin
# The locks are complete, so nothing is left to resolve: --no-deps. (Older versions of pip
# cannot resolve hashed requirements with extras.)
PIP_INSTALL := -m pip --disable-pip-version-check --no-input install -qq --no-deps
PIP_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock"

# SAM CLI reports its use to AWS unless it is told not to.
export SAM_CLI_TELEMETRY := 0

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup setup-sam setup-ray run test test-ray lint coverage audit fuzz check format lock bench bench-quick clean

help:  ## list the commands
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: .venv/.ready  ## create .venv with the adapter command in it

setup-sam: .venv/bin/sam  ## create .venv-sam and link its sam command into .venv

# Ray is large, and CI does without it: what needs it runs by `make test-ray` only.
setup-ray: .venv-ray/.locked  ## create .venv-ray with Ray Serve in it

run: setup  ## serve the example on this machine; ARGS="--port 8080" adds options
	@$(BIN)/adapter run text_service:app --app-dir examples $(ARGS)

# In CI the one run of the tests is measured as well; `make coverage` reports on it.
test: setup setup-sam  ## run the tests, two at a time; ARGS="-k handle" adds options
	@$(if $(CI),$(BIN)/coverage erase)
	$(if $(CI),$(BIN)/coverage run -m pytest,$(BIN)/pytest) -n 2 --dist loadfile $(ARGS)

test-ray: setup setup-ray  ## run on Ray itself what tests/ray/ asks of the adapter
	@$(BIN)/pytest -m ray tests/ray $(ARGS)

lint: setup  ## formatting, linters, types and import layers
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

coverage: setup  ## report on the last measured run of the tests
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Where the advisories cannot be asked it says so, and does not fail.
audit: setup  ## ask PyPI for known vulnerabilities of the packages in the locks
	$(BIN)/python -m tests.audit requirements/dev.txt requirements/sam.txt

# Other examples each time; what fails says how to see it again. ARGS="--help" tells more.
fuzz: setup  ## fuzz the adapter; SECONDS=60 is for each target, of which there are twenty-one
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

check: lint  ## everything that CI checks
	$(MAKE) test CI=true
	$(MAKE) fuzz
	$(MAKE) coverage
	$(MAKE) audit

format: setup  ## let ruff format the code and repair what it can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lock: setup  ## resolve requirements/*.in again; ARGS=--upgrade takes the newest versions
	$(PIP_COMPILE) $(ARGS) --all-extras pyproject.toml requirements/dev.in -o requirements/dev.txt
	$(PIP_COMPILE) $(ARGS) requirements/sam.in -o requirements/sam.txt
	$(PIP_COMPILE) $(ARGS) requirements/ray.in -o requirements/ray.txt

# What cannot be set up here, Ray or a container engine for sam local, is named in the results.
# The engine goes on running; tests/e2e/docker/stop ends it.
bench: setup setup-sam  ## measure all benchmarks and write bench/RESULTS.md; ARGS="B1 B4" some
	@$(MAKE) setup-ray || echo "bench: going on without Ray Serve" >&2
	@tests/e2e/docker/start || echo "bench: going on without sam local" >&2
	$(BIN)/python -m bench --write $(ARGS)

# Without what takes minutes to start or to build, and only what is installed already.
bench-quick: setup  ## print the ratios in two minutes; fails on gross regressions
	@$(BIN)/python -m bench --quick $(ARGS)

clean:  ## remove everything that make and the tools have made
	rm -rf .venv .venv-sam .venv-ray .aws-sam .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment is made anew when what its lock says has changed, so that it holds the lock and
# nothing else.
define install_lock
@cmp -s $< $@ || { set -e; \
	$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit( \
		f"Python 3.11 to 3.14 is needed; $(PYTHON) is {sys.version.split()[0]}. Try make PYTHON=python3.13")'; \
	echo "setup: installing $< into $(@D) (takes about a minute)"; \
	$(PYTHON) -m venv --clear $(@D); \
	$(@D)/bin/python $(PIP_INSTALL) --require-hashes -r $<; }
@cp $< $@
endef

.venv/.locked: requirements/dev.txt
	$(install_lock)

.venv-sam/.locked: requirements/sam.txt
	$(install_lock)

.venv-ray/.locked: requirements/ray.txt
	$(install_lock)

.venv/.ready: .venv/.locked pyproject.toml
	@echo "setup: installing the adapter command"
	@$(BIN)/python $(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

.venv/bin/sam: .venv/.ready | .venv-sam/.locked
	@ln -sfn ../../.venv-sam/bin/sam $@
