# `make run` and `make test` do all set-up themselves, once: the environment is made anew only when the lock changes.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
HOME_FOLDER ?= data

.PHONY: run test lint format dev setup clean

run: setup
	$(BIN)/tijdig demo --home $(HOME_FOLDER)

test: setup
	$(BIN)/pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt_project --processes 2 --disable-progress-bar

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dev: setup
	$(BIN)/tijdig dev --home $(HOME_FOLDER)

setup: $(VENV)/.installed

# Every pin and hash is in the lock, so pip has nothing to resolve; it compiles bytecode as it installs.
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache dbt_project/target
