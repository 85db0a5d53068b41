# The commands of this project. `make` alone lists them.

PORT ?= 8000
SANDBOX_PORT ?= 8001
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help setup chromium run test check fmt bench mutants lock

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: ## create .venv with the locked packages (the others do it by themselves)
	@PYTHON="$(PYTHON)" sh .ci/setup

run: setup ## run everything on this machine until Ctrl-C (RESET=1 starts afresh; PORT, SANDBOX_PORT)
	@exec $(BIN)/python -m discuno.sandbox.up --port $(PORT) --sandbox-port $(SANDBOX_PORT) $(if $(RESET),--reset)

test: setup chromium ## run all tests, the browser stories too (ARGS="-k word" for some)
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: setup ## lint, format, types and the fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not story" $(ARGS)

fmt: setup ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure (see tests/bench)
	$(BIN)/python -m tests.bench $(ARGS)

mutants: setup ## take out each mechanism of the money engine: a test must go red (minutes; ARGS=--write publishes docs)
	$(BIN)/python -m tests.chaos.mutants $(ARGS)

lock: setup ## resolve the requirements again
	$(LOCK) -o requirements.txt
	$(LOCK) --extra local --extra dev -c requirements.txt -o requirements-dev.txt

chromium: setup
	@$(BIN)/python -m tests.chromium
