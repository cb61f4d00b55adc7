# `make` alone says what there is.  Everything lives in .venv; nothing is written outside this folder,
# except that `make test`, `make lab` and the benches install missing Debian packages when they run as root.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CONFIG ?= etc/director.ini
# Options for pytest, and how many tests run at a time.
ARGS   ?=
JOBS   ?= 2

# What the tests call, by command, and the Debian package that brings it.
TEST_TOOLS  := nft:nftables ip:iproute2 ss:iproute2 ethtool:ethtool tcpdump:tcpdump socat:socat curl:curl \
               iperf3:iperf3 chromium:chromium wrk:wrk haproxy:haproxy nginx:nginx-light redis-server:redis-server \
               openssl:openssl h2load:nghttp2-client nghttp:nghttp2-client slowhttptest:slowhttptest
BENCH_TOOLS := wrk:wrk haproxy:haproxy nginx:nginx-light h2load:nghttp2-client
LAB_TOOLS   := nft:nftables ip:iproute2 curl:curl
L4_TOOLS    := nft:nftables ip:iproute2 ethtool:ethtool iperf3:iperf3 wrk:wrk nginx:nginx-light

.DEFAULT_GOAL := help
.PHONY: help run test lint bench bench-processes bench-l4 docs docs-reference docs-diagrams lab drill wheel news clean

help:            ## this list
	@sed -n 's/^\([a-z0-9-]*\): .*## /\1\t/p' Makefile | expand -t 16

DEMO_PAIR := var/tls-example/demo.pem

$(DEMO_PAIR): | $(VENV)/.run
	@$(BIN)/python -m director.demo.certificate $@ localhost shop.example.org 127.0.0.1

# The examples for TLS need a certificate, and make their own.
ifneq ($(filter $(CONFIG),etc/examples/tls.ini etc/examples/passthrough.ini),)
run: $(DEMO_PAIR)
endif
run: $(VENV)/.run            ## start the director on etc/director.ini (CONFIG=FILE for another)
	@$(BIN)/twistd --nodaemon --pidfile= director -c $(CONFIG)

test: $(VENV)/.dev            ## lint, then all tests (ARGS="-k word" for some)
	@.ci/packages $(TEST_TOOLS)
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

lint: $(VENV)/.dev            ## ruff, mypy --strict, import floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/gates

bench: $(VENV)/.dev            ## requests, bodies, TLS, HTTP/2, TCP, memory beside haproxy and nginx (ARGS=--help)
	@.ci/packages $(BENCH_TOOLS)
	$(BIN)/python -m tests.bench $(ARGS)

bench-processes: $(VENV)/.dev  ## the director with more and more workers beside haproxy with as many threads
	@.ci/packages $(BENCH_TOOLS)
	$(BIN)/python -m tests.bench.processes $(ARGS)

bench-l4: $(VENV)/.dev            ## layer 4 beside the kernel's routing and nft DNAT, in namespaces (root)
	@.ci/packages $(L4_TOOLS)
	$(BIN)/python -m tests.bench.l4 $(ARGS)

docs: $(VENV)/.docs            ## the documentation, into build/docs; warnings are errors
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	@echo "see build/docs/index.html"

docs-reference: $(VENV)/.run    ## write docs/reference/config.md and rooms.md anew from schema and code
	$(BIN)/python -c 'from director.config.schema.reference import markdown; print(markdown(), end="")' \
	    > docs/reference/config.md
	$(BIN)/python -m tests.gates.graph > docs/reference/rooms.md

docs-diagrams: $(VENV)/.run    ## write docs/reference/exchange.md anew from the table of an exchange's life
	$(BIN)/python docs/diagrams.py

lab: $(VENV)/.run            ## clients, a director and real servers in network namespaces (root)
	@.ci/packages $(LAB_TOOLS)
	@$(BIN)/director lab run

DRILL  ?= etc/drills/two-of-three-hang.ini

drill: $(VENV)/.run            ## rehearse a failure and print its sheet (DRILL=FILE for another, ARGS=--control)
	@$(BIN)/director drill run $(DRILL) $(ARGS)

wheel: $(VENV)/.dev            ## wheel and sdist, into dist/
	$(BIN)/python -m build --outdir dist .

news: $(VENV)/.docs            ## what NEWS.md would say of newsfragments/
	$(BIN)/towncrier build --draft

clean:            ## forget .venv, caches and what was built (var/ stays)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .import_linter_cache twisted/plugins/dropin.cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up: a stamp each, so that it happens once -----------------------------------------
# editable_mode=compat, because setuptools' default hides twistd plug-ins (an import hook instead
# of a path that twisted.plugin could search).

EDITABLE := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
            --config-settings editable_mode=compat --editable

$(BIN)/python:
	@.ci/venv $(PYTHON) $(VENV)

$(VENV)/.run: setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV)"
	@$(EDITABLE) .
	@touch $@

$(VENV)/.dev: setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing with what the tests need into $(VENV)"
	@$(EDITABLE) '.[test]'
	@touch $(VENV)/.run $@

$(VENV)/.docs: setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing with what the documentation needs into $(VENV)"
	@$(EDITABLE) '.[docs]'
	@touch $(VENV)/.run $@
