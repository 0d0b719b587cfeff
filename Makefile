# Everything is run from here, the same on a desk and in CI.  A machine needs Python >= 3.11 and pip.
#
#   make demo     turn a file of prompts into videos on the built-in simulator (no key, no cost)
#   make test     run the tests and show the coverage        make test ARGS="-k submit -x"
#   make check    run all linters and type checkers      make -k check     to see every complaint at once
#   make format   let ruff format and repair what it can
#   make docs     build the pages as a site, build/docs/index.html; a warning is an error
#   make links    ask every address on the pages whether it still leads somewhere; needs the network
#   make soak     run the tests that take minutes
#   make clients  install other people's clients, 110 MB, so that make test runs them against the simulator too
#   make ray      install Ray, 480 MB, so that make test runs the pipelines on a cluster of one machine
#   make bench    set this library beside other clients, about six minutes, and write docs/reference/benchmarks.md
#   make wheel    try the built wheel in a clean environment of every Python from 3.11 up that is here
#   make audit    compare the pinned packages with the known advisories, where these can be had
#   make fuzz     spoil a million inputs for the parsers of foreign bytes
#   make lock     pin the development set anew (requirements/*.txt)
#   make clean    remove what tools leave behind, .venv included

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python)
VENV ?= .venv
ARGS ?=
WORKERS ?= 2
DEMO_DIR ?= demo-videos

BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Folders that come and go while the project grows; the linters complain about a missing one.
CODE := seedance_async tests docs hatch_build.py $(wildcard benchmarks)

.DEFAULT_GOAL := help
.PHONY: help demo test docs links soak check check-format check-lint check-mypy check-pyright check-imports check-pages format clients ray bench wheel audit fuzz lock clean

help:
	@sed -n 's/^#   //p' Makefile

$(READY): requirements/dev.txt requirements/install pyproject.toml
	requirements/install "$(PYTHON)" "$(VENV)"
	touch $@

demo: $(READY)
	$(BIN)/seedance demo --out "$(DEMO_DIR)"

test: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(WORKERS) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report $(if $(ARGS),--fail-under 0)

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -E -a -b html docs build/docs

links: $(READY)
	$(BIN)/python -m sphinx -q -E -b linkcheck docs build/links

soak: $(READY)
	$(BIN)/python -m pytest -m soak --timeout 0 $(ARGS)

wheel: $(READY)
	requirements/try-wheel "$(PYTHON)" "$(VENV)"

audit: $(READY)
	$(BIN)/python -m tests.audit

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz 75000

# Other people's clients first: two of the contenders are among them.
bench: clients
	$(BIN)/python -m benchmarks.compare --write docs/reference/benchmarks.md

check: check-format check-lint check-mypy check-pyright check-imports check-pages

check-format: $(READY)
	$(BIN)/ruff format --check .

check-lint: $(READY)
	$(BIN)/ruff check .

check-mypy: $(READY)
	$(BIN)/mypy $(CODE)

check-pyright: $(READY)
	$(BIN)/basedpyright --pythonpath $(BIN)/python

check-imports: $(READY)
	$(BIN)/lint-imports --no-logo

# The Python blocks of README.md and docs.
check-pages: $(READY)
	$(BIN)/python -m tests.docs.check

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Apart from the virtual environment's own packages: they are imported by the tests that ask for them.
clients: $(READY)
	$(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --no-input install --quiet --no-deps \
		--no-compile --require-hashes --upgrade --target $(VENV)/clients --requirement requirements/clients.txt

# Ray is 480 MB on disk, so its tests run where it has been asked for.
ray: $(READY)
	$(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --no-input install --quiet --no-compile \
		--require-hashes --requirement requirements/ray.txt

# No index lines: the file names packages and hashes, never a host or a path.
lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
		--extra cli --extra docs --extra otel --extra parquet --extra postgres --extra prometheus --extra simulator \
		--extra speed --extra storage --extra test --group lint $(ARGS) pyproject.toml --output-file requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-deps --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
		requirements/clients.in --output-file requirements/clients.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
		--extra ray --constraints requirements/dev.txt pyproject.toml --output-file requirements/ray.txt

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
