# Python 3.11 or later, Git and make are all that is needed; the rest goes into .venv.

.DEFAULT_GOAL := install
.PHONY: install demo test thorough mutants lint types contracts bench check lock

PYTEST_OPTIONS ?= --numprocesses=auto --dist=worksteal

ifndef PYTHON
PYTHON := $(shell for one in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$one" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v "$$one" && break; done)
endif

install: .venv/.installed
	@:

.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later, with its venv module, is not on PATH" >&2; exit 1; }
	@echo "Preparing .venv with $(PYTHON); the first time this takes a minute or two."
	@"$(PYTHON)" -m venv .venv
	@# As a constraint, too: else pip takes what has an extra, sqlalchemy[asyncio], in the newest version.
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements.lock --constraint requirements.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	@.venv/bin/unjam demo

test: install
	.venv/bin/python -m pytest $(PYTEST_OPTIONS)

# What `make test` runs a sample of.
thorough: install
	.venv/bin/python -m pytest $(PYTEST_OPTIONS) -m thorough

# Changes decisions of the domain, one at a time: do its own tests notice? SEED=2 COUNT=100 draws others.
mutants: install
	.venv/bin/python -m tests.experiments.mutants --seed $(or $(SEED),1) --count $(or $(COUNT),60)

lint: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: install
	.venv/bin/mypy

contracts: install
	.venv/bin/lint-imports

check: lint types contracts test

bench: install
	@for one in benchmarks/[a-z]*.py; do echo "== $$one"; .venv/bin/python "$$one" || exit 1; done

# Needs uv. Versions are taken anew only where pyproject.toml forces it; add UPGRADE=--upgrade for all.
lock:
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --quiet $(UPGRADE) --output-file requirements.lock
	@sed -i '1i # The whole tree, development included, for Python 3.11 and later; written by `make lock`.' requirements.lock
