# Every target does all the set-up it needs, by itself, in .venv of this
# checkout, and in .venv-rucio where it talks to Rucio's server.  Nothing is
# asked of the machine but git, make and Python 3.11.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
RUCIO := .venv-rucio
RAY := .venv-mutants
# Whoever names another environment of Rucio's server needs none here.
RUCIO_STAMP := $(if $(CALIBSTATE_RUCIO_SERVER),,$(RUCIO)/.stamp)
TESTS ?=
# Which share of them, such as 2/6; empty: all.
SHARE ?=
# One more than the usual two cores: none is idle while a test waits.
WORKERS ?= 3
# Seconds.  A test that waits for what never comes fails, and the others are run.
LIMIT := 900

.DEFAULT_GOAL := help
.PHONY: help setup demo test page-test test-words test-slow test-all mutants lint format docs dist bench schemas requirements clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the calibstate command in it
	@echo "calibstate is in $(BIN): try \`$(BIN)/calibstate --help\`, or \`. $(BIN)/activate\`."

demo: $(STAMP) $(RUCIO_STAMP) ## show the main job on real butler repositories and a real Rucio (DIR=… for a folder of your own)
	@$(if $(DIR),,rm -rf build/demo && mkdir -p build)
	@$(BIN)/calibstate demo $(or $(DIR),build/demo)

test-slow test-all: LIMIT := 7200

PYTEST = $(BIN)/pytest -n $(WORKERS) --timeout $(LIMIT) $(if $(SHARE),--share $(SHARE))

# A fifth of a short command's time goes into compiling what was not kept.
test test-words test-slow: export PYTHONDONTWRITEBYTECODE =
# Databases of tests need not outlive the machine: they are kept in memory
# where it is a file system with room (4 GB).
test test-words test-slow: export PYTEST_DEBUG_TEMPROOT ?= $(shell \
    test -w /dev/shm && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 4e6 { print "/dev/shm" }')

test: $(STAMP) $(RUCIO_STAMP) ## run the tests (TESTS=tests/house_test.py for some)
	@# In the order of the folders: what takes longest is not at the end.
	$(PYTEST) --dist loadscope --no-loadscope-reorder --durations 10 -m "not slow and not words" $(TESTS)

test-words: $(STAMP) $(RUCIO_STAMP) ## run every console block of the pages and every example of the help
	$(PYTEST) --dist worksteal -m "words and not slow" tests/docs_test.py tests/help_test.py

# Pictures of all pages are kept here, for people to look at.
page-test: export CALIBSTATE_TEST_SCREENSHOTS ?= $(CURDIR)/build/page
page-test: $(STAMP) ## look at the pages in a real browser; pictures go to build/page
	$(BIN)/pytest --timeout $(LIMIT) --durations 5 tests/page

test-slow: $(STAMP) $(RUCIO_STAMP) ## run the tests that take minutes
	$(PYTEST) --dist worksteal -m slow $(TESTS)

test-all: export CALIBSTATE_TEST_ALL = 1
test-all: test test-words test-slow ## run all three, and whole matrices (SHARE=2/6 for a sixth)

lint: $(STAMP) ## style, types, import contracts, workflows, the declaration, the schemas
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.plainness
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms \
	    $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.citation-file-format --default-filetype yaml CITATION.cff
	$(BIN)/calibstate -C state validate
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && $(BIN)/calibstate schema "$$fresh" 2>/dev/null && \
	    diff -r schemas "$$fresh" || { echo "schemas/ is not fresh: run make schemas" >&2; exit 1; }

format: $(STAMP) ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(STAMP) ## build docs/_build/html; warnings are errors
	$(BIN)/sphinx-build -W --keep-going -q -j auto -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html."

dist: $(STAMP) ## build what is published, in dist/
	rm -rf dist
	$(BIN)/hatchling build -d dist

bench: $(STAMP) $(RUCIO_STAMP) ## measure, side by side with the stock tools
	$(BIN)/python -m tests.bench $(BENCH)

mutants: $(STAMP) $(RAY)/.stamp ## break the code, and see what the tests notice (MUTANTS='kinds --share 1/20')
	$(BIN)/python -m tests.mutants $(MUTANTS)

schemas: $(STAMP) ## write schemas/ from the nouns
	$(BIN)/calibstate schema

requirements: $(STAMP) ## compile requirements/*.txt anew
	$(BIN)/python -m pip install --quiet pip-tools
	CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile $(COMPILE) -o requirements/main.txt pyproject.toml
	CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile $(COMPILE) -c requirements/main.txt \
	    --extra docs --extra lint --extra test -o requirements/dev.txt pyproject.toml requirements/build.in
	CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile $(COMPILE) \
	    -o requirements/rucio-server.txt requirements/rucio-server.in
	CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile $(COMPILE) \
	    -o requirements/mutants.txt requirements/mutants.in

# No index, path or hash of the machine that compiles gets into the files.
COMPILE := --quiet --upgrade --strip-extras --annotation-style=line --allow-unsafe \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

clean: ## remove what the targets above have made
	rm -rf $(VENV) $(RUCIO) $(RAY) docs/_build dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# A name on the path need not be a Python that runs, nor one that can make an
# environment (Debian keeps ensurepip in a package of its own): so each is tried.
$(STAMP): requirements/main.txt requirements/dev.txt pyproject.toml
	@set -eu; \
	python=""; \
	for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	    if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        python="$$candidate"; break; \
	    fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "No Python 3.11 or later was found that has the modules venv and ensurepip." >&2; \
	    echo "Install one (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
	    exit 1; \
	fi; \
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version)."; \
	    "$$python" -m venv --clear $(VENV); \
	fi
	@echo "Installing the exact versions of requirements/ (a minute or two, once)."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	    -r requirements/main.txt -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# Without bytecode the butler takes five seconds to import, and calibstate
	@# one.  A package may hold files for another Python, which do not compile:
	@# no harm.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib calibstate || true
	@touch $@

# Rucio's server asks for older packages than ours, so it gets its own.
$(RUCIO)/.stamp: requirements/rucio-server.txt | $(STAMP)
	@echo "Installing Rucio's server in $(RUCIO) (a minute or two, once)."
	@$(BIN)/python -m venv --clear $(RUCIO)
	@$(RUCIO)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
	    -r requirements/rucio-server.txt
	@# As above; without bytecode the server takes ten seconds more to start.
	@PYTHONWARNINGS=ignore $(RUCIO)/bin/python -m compileall -qq -j 0 $(RUCIO)/lib || true
	@touch $@

# It starts the tests in .venv, and shares nothing with them.
$(RAY)/.stamp: requirements/mutants.txt | $(STAMP)
	@$(BIN)/python -m venv --clear $(RAY)
	@$(RAY)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/mutants.txt
	@touch $@
