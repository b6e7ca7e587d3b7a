# Sets everything up and runs it. Needs only make and Python 3.11 or newer with its venv module.
# Set VENV to keep the environment elsewhere, PYTHON to choose the interpreter.

VENV ?= .venv
PYTHON ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint types format bench pictures build clean

# A comma in what a function is called with would end that argument.
comma := ,

# Paths are quoted wherever the shell sees them, since a folder's name may have spaces.
env_python = "$(VENV)/bin/python"

# $(call environment,EXTRAS,NAME) makes the virtual environment hold this project with those extras.
# - The lock makes a second make wait for the first and goes with its process; without flock there is none.
# - $(VENV)/.made-for says for which folder and Python the environment was made. It is away while anything is
#   being installed, so what an interruption leaves is never taken for done, and is made afresh.
# - $(VENV)/.installed-NAME holds the checksums of what was installed from, so that the second run is quick.
define environment
	@set -eu; \
	venv="$(VENV)"; python="$(PYTHON)"; \
	if [ -z "$$python" ]; then \
	  for python in python3 python3.14 python3.13 python3.12 python3.11 none; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	  done; \
	fi; \
	if ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "Dateline needs Python 3.11 or newer, and found none." >&2; \
	  echo "On Debian 12 or Ubuntu 24.04 and later: apt install python3 python3-venv" >&2; \
	  echo "An interpreter kept elsewhere: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "This Python has no venv module, which Dateline is installed with." >&2; \
	  echo "On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; \
	fi; \
	mkdir -p "$$(dirname "$$venv")"; \
	if command -v flock >/dev/null; then exec 9>"$$venv.lock"; flock 9; fi; \
	made_for="$$(pwd) $$("$$python" -c 'import sys; print(sys.version, sys.base_prefix)')"; \
	sources="$$(cat setup.cfg pyproject.toml | cksum)"; \
	if [ "$$(cat "$$venv/.made-for" 2>/dev/null)" = "$$made_for" ] \
	  && [ "$$(cat "$$venv/.installed-$(2)" 2>/dev/null)" = "$$sources" ]; then exit 0; fi; \
	if [ "$$(cat "$$venv/.made-for" 2>/dev/null)" != "$$made_for" ]; then \
	  echo "Making a virtual environment in $$venv ..."; \
	  rm -f "$$venv"/.made-for "$$venv"/.installed-*; \
	  "$$python" -m venv --clear "$$venv"; \
	fi; \
	echo "Installing Dateline and what it needs into $$venv (a minute or two the first time) ..."; \
	rm -f "$$venv/.made-for"; \
	"$$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.$(1)'; \
	echo "$$sources" >"$$venv/.installed-$(2)"; \
	echo "$$made_for" >"$$venv/.made-for"
endef

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-8s %s\n' "$$name" "$$text"; done

run: ## set everything up, load the first timeline and serve it on http://127.0.0.1:8000
	$(call environment,[postgres],run)
	@"$(VENV)/bin/dateline" migrate
	@"$(VENV)/bin/dateline" seed
	@echo
	@echo "To write, send this key along, which says that you are demo (the next make run makes a new one):"
	@echo
	@"$(VENV)/bin/dateline" keys create demo --scope write --replace
	@exec "$(VENV)/bin/dateline" serve --examples

test: ## run the tests, on SQLite and on a PostgreSQL of their own (ARGS="-k name" for some)
	$(call environment,[test],test)
	@$(env_python) -m pytest -n auto --dist worksteal $(ARGS)

lint: ## look for mistakes and untidy code
	$(call environment,[dev],dev)
	@$(env_python) -m ruff check .
	@$(env_python) -m ruff format --check .

types: ## check the types
	$(call environment,[dev],dev)
	@$(env_python) -m mypy

format: ## put the code into its form
	$(call environment,[dev],dev)
	@$(env_python) -m ruff check --fix .
	@$(env_python) -m ruff format .

bench: ## measure Dateline beside what one would use instead, by its goals (ARGS="--events 1000000 --store DIR")
	$(call environment,[test$(comma)bench],bench)
	@$(env_python) -m bench.run $(ARGS)

pictures: ## take the pictures of the page that the README shows, in the system's Chromium
	$(call environment,[test],test)
	@$(env_python) -m tests.pictures

build: ## build the source distribution and the wheel into dist/
	$(call environment,[dev],dev)
	@$(env_python) -m build --outdir dist .

clean: ## remove what was made here; the database stays
	@if [ -f "$(VENV)/pyvenv.cfg" ]; then rm -rf "$(VENV)"; fi
	@rm -rf "$(VENV).lock" build dist htmlcov .coverage .hypothesis *.egg-info
	@rm -rf .mypy_cache .pytest_cache .ruff_cache
	@find schemas seed service tests bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
