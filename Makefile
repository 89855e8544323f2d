# `make demo` and `make test` install all they need, in this folder only: see .ci/setup.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Stamps live inside .venv, so that removing it undoes them; the folder's path is part of their name,
# because a virtual environment does not survive being moved.
HERE := $(shell printf '%s' '$(CURDIR)' | cksum | cut -d' ' -f1)
RUN := .venv/.run-$(HERE)
SHOP := .venv/.shop-$(HERE)
DEV := .venv/.dev-$(HERE)
BENCH := .venv/.bench-$(HERE)
# A worker of the tests may need a gigabyte, and they meet in few places: more than eight gain nothing.
WORKERS ?= $(shell n=$$(nproc); echo $$((n < 8 ? n : 8)))
PY := .venv/bin/python
DEMO_ARGS = $(if $(DATA),--data "$(DATA)") $(if $(KANHE_DATA),--data-dir "$(KANHE_DATA)") $(ARGS)

.PHONY: help setup demo shop test check fix docs bench clean console-bundle phrases screenshots

help: ## Show this list.
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(RUN): pyproject.toml uv.lock .ci/setup
	@.ci/setup --no-default-groups --extra server
	@touch $@

$(DEV): pyproject.toml uv.lock .ci/setup
	@.ci/setup
	@touch $@ $(RUN) $(SHOP)

$(BENCH): pyproject.toml uv.lock .ci/setup
	@.ci/setup --group bench
	@touch $@ $(RUN) $(SHOP) $(DEV)

$(SHOP): pyproject.toml uv.lock .ci/setup
	@.ci/setup --no-default-groups --extra server --extra oscar
	@touch $@ $(RUN)

setup: $(DEV) ## Install everything for development into .venv.

demo: $(RUN) ## Judge a living shop under attack, then serve its desk; DATA=orders.parquet judges a real shop's orders.
	@env -u KANHE_DATA .venv/bin/kanhe demo $(DEMO_ARGS)

shop: $(SHOP) ## Start Kanhe and an example shop together, and say what to try; SHOP_DATA names their folder.
	@env -u KANHE_DATA $(PY) examples/oscar_shop/start.py $(if $(SHOP_DATA),--data-dir "$(SHOP_DATA)") $(ARGS)

test: $(DEV) ## Run all tests on all cores; ARGS="tests/rules -x" runs some of them, WORKERS=0 in one process.
	@command -v chromium >/dev/null || .ci/packages chromium || true
	@[ -n "$$(fc-list :lang=zh 2>/dev/null | head -n 1)" ] || .ci/packages fontconfig fonts-wqy-microhei || true
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV) ## Lint, formatting, types, import directions, docs.
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	$(PY) -m pytest -q tests/architecture tests/docs

fix: $(DEV) ## Repair what ruff can repair.
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: $(DEV) ## Write the generated pages of docs/ anew.
	$(PY) docs/generate.py

bench: $(BENCH) ## Measure, print a table, write bench/results/latest.json.
	@for tool in wrk redis-server; do \
	  command -v $$tool >/dev/null || .ci/packages $$tool || \
	    echo "bench: without $$tool the rows that need it are left out" >&2; \
	done
	$(PY) -m bench $(ARGS)

phrases: $(DEV) ## Bring the texts of the console's pages into their catalogues; says what lacks Chinese.
	$(PY) .ci/phrases.py

CONSOLE_BUNDLE := src/kanhe/serve/console/bundle
console-bundle: ## Put the console's vendored scripts together anew, as their lock file says; needs Node.
	cd $(CONSOLE_BUNDLE) && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs && rm -rf node_modules

screenshots: $(DEV) ## Take the pictures of the console in docs/images anew; needs Chromium.
	@command -v chromium >/dev/null || .ci/packages chromium
	$(PY) docs/screenshots.py $(ARGS)

clean: ## Remove what make has made here; your data folders stay.
	rm -rf .venv .make build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache bench/results/work
	find src tests bench docs -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
