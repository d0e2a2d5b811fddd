# Countersign: `make demo` runs the whole path, `make test` runs every test.
# Nothing needs to be installed first: each target fetches what it lacks, once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
CACHE := .cache
STAMPS := $(CACHE)/stamps

# pip installs only what the lock names, and asks no question. Files must have the hashes in
# tools/locks; nothing is built in isolation, where no lock holds. Decision 0044.
export PIP_CONSTRAINT := constraints.txt
export PIP_NO_INPUT := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The lock makes two runs of make install one after the other.
PIP_INSTALL := flock $(STAMPS) $(BIN)/pip install --quiet --progress-bar off --no-deps
LOCKED := PIP_CONSTRAINT= $(PIP_INSTALL) --require-hashes --no-build-isolation --requirement tools/locks

# The tools that fetch the parts are plain Python, so they run before any package is installed.
FETCH := PYTHONPATH=tools $(BIN)/python -m countersign_workshop.parts.toolchain fetch

.PHONY: help
help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

# ---- the virtual environment -------------------------------------------------------------------

$(STAMPS)/venv: tools/bootstrap.sh
	@mkdir -p $(@D)
	@flock $(@D) tools/bootstrap.sh $(VENV)
	@touch $@

LOCKS := $(addprefix tools/locks/,build.txt runtime.txt development.txt)

$(STAMPS)/runtime: $(STAMPS)/venv pyproject.toml setup.py tools/pyproject.toml $(LOCKS)
	@echo "setup: Python packages for running"
	@$(LOCKED)/build.txt
	@$(LOCKED)/runtime.txt
	@$(PIP_INSTALL) --no-build-isolation --editable . --editable ./tools
	@touch $@

$(STAMPS)/dev: $(STAMPS)/runtime
	@echo "setup: Python packages for developing"
	@$(LOCKED)/development.txt
	@touch $@

# ---- real parts from elsewhere -----------------------------------------------------------------

# MicroPython as a process runs on this machine's own architecture, and on 32-bit ARM (armhf).
HOST := $(if $(filter aarch64,$(shell uname -m)),arm64,x64)
FETCHER := $(STAMPS)/venv $(addprefix tools/countersign_workshop/parts/,apt_sources.py debian.py)

$(STAMPS)/micropython-$(HOST): $(FETCHER) tools/countersign_workshop/parts/micropython.py
	@$(FETCH) micropython-$(HOST)
	@touch $@

$(STAMPS)/micropython-armhf: $(FETCHER) tools/countersign_workshop/parts/micropython.py $(STAMPS)/qemu-arm
	@$(FETCH) micropython-armhf
	@touch $@

$(STAMPS)/qemu-arm $(STAMPS)/mosquitto: $(STAMPS)/%: $(FETCHER)
	@$(FETCH) $*
	@touch $@

$(STAMPS)/anvil: $(STAMPS)/runtime tools/countersign_workshop/ledger/anvil/package.json tools/countersign_workshop/ledger/anvil/package-lock.json
	@$(FETCH) anvil
	@touch $@

$(STAMPS)/forge: $(STAMPS)/runtime $(wildcard contracts/package.json contracts/package-lock.json)
	@$(FETCH) forge
	@touch $@

$(addprefix $(STAMPS)/,cross-arm cross-riscv cross-xtensa cross-host): $(STAMPS)/%: $(FETCHER) tools/countersign_workshop/parts/cross.py
	@$(FETCH) $*
	@touch $@

$(STAMPS)/board-sources: $(STAMPS)/cross-arm tools/countersign_workshop/parts/board_sources.py
	@$(FETCH) board-sources
	@touch $@

$(STAMPS)/qemu-system: $(FETCHER) tools/countersign_workshop/parts/processors.py
	@$(FETCH) qemu-system
	@touch $@

$(STAMPS)/qemu-riscv-xtensa: $(FETCHER) tools/countersign_workshop/parts/processors.py
	@$(FETCH) qemu-riscv-xtensa
	@touch $@

$(STAMPS)/rp2040js: $(STAMPS)/runtime tools/countersign_workshop/emulation/rp2040_machine/package.json tools/countersign_workshop/emulation/rp2040_machine/package-lock.json
	@$(FETCH) rp2040js
	@touch $@

DEMO_PARTS := $(addprefix $(STAMPS)/,runtime anvil mosquitto micropython-$(HOST))
TEST_PARTS := $(DEMO_PARTS) $(addprefix $(STAMPS)/,dev forge micropython-armhf)

BOARD_PARTS := $(addprefix $(STAMPS)/,dev cross-arm cross-riscv board-sources rp2040js qemu-system)
NATIVE_PARTS := $(BOARD_PARTS) $(addprefix $(STAMPS)/,cross-riscv cross-xtensa cross-host qemu-riscv-xtensa micropython-$(HOST) micropython-armhf)

# ---- what people type --------------------------------------------------------------------------

.PHONY: setup demo-parts test-parts board-parts native-parts
setup: $(STAMPS)/dev ## make .venv with everything a developer needs

# The downloads do not depend on one another. Side by side they take as long as the slowest.
demo-parts:
	@$(MAKE) -j4 $(DEMO_PARTS)

test-parts:
	@$(MAKE) -j4 $(TEST_PARTS)

board-parts:
	@$(MAKE) -j4 $(BOARD_PARTS)

native-parts:
	@$(MAKE) -j4 $(NATIVE_PARTS)

.PHONY: demo
demo: demo-parts $(if $(BOARD),board-parts) ## run the whole path: devices, gateway, chain; BOARD=RPI_PICO on that
	@$(if $(BOARD),$(BIN)/countersign build --board $(BOARD))
	@$(BIN)/countersign demo $(if $(BOARD),--board $(BOARD))

.PHONY: test
test: test-parts native ## run every test on every runtime, emulated boards included
	@for board in RPI_PICO QEMU_M0 QEMU_MPS2 QEMU_RV32; do $(BIN)/countersign build --board $$board; done
	@$(BIN)/python -m countersign_workshop.checks.every_test

.PHONY: test-boards
test-boards: board-parts $(STAMPS)/anvil ## run all tests on emulated boards, the long ones too
	@$(BIN)/python -m pytest --quiet -rsP --slow -m board tests/system

.PHONY: native
native: native-parts ## build the native engine for every architecture
	@$(BIN)/countersign native

.PHONY: test-native
test-native: native ## prove the native engine: arithmetic, generated code, every runtime
	@COUNTERSIGN_PROOFS=$${COUNTERSIGN_PROOFS:-10000} \
		$(BIN)/python -m pytest --quiet -rsP --slow tests/native

# `make quick` leaves out the tests that start brokers and processes, pull cables, or cut power
# thousands of times.
NOT_QUICK := tests/agent/on_cpython/test_power_cuts.py tests/gateway/ingress/test_serial.py \
	tests/gateway/test_app.py tests/gateway/test_over_brokers.py

.PHONY: quick
quick: $(STAMPS)/dev ## the units of protocol, agent and gateway on CPython: about a minute
	@$(BIN)/python -m pytest --quiet -m 'not board and not chain' $(NOT_QUICK:%=--ignore=%) \
		tests/protocol tests/agent tests/gateway

.PHONY: check
check: $(STAMPS)/dev $(STAMPS)/forge ## lint, types, import rules, generated files, size budgets: seconds
	@$(BIN)/python -m countersign_workshop.checks.checks

.PHONY: format
format: $(STAMPS)/dev $(STAMPS)/forge ## rewrite the sources in the project's format
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/python -m countersign_workshop.ledger.contracts format

.PHONY: write
write: $(STAMPS)/dev $(STAMPS)/forge ## write anew what is generated: tables, lists, settings, contracts
	@$(BIN)/python -m countersign_workshop.ledger.contracts abi
	@$(BIN)/python -m countersign_workshop.checks.message_table --write
	@$(BIN)/countersign boards --readme=write
	@$(BIN)/python -m countersign_workshop.images.source_index
	@$(BIN)/python -m countersign_gateway.config.reference write gateway/CONFIGURATION.md
	@$(BIN)/python -m countersign_workshop.checks.documents write

.PHONY: bench-gateway
bench-gateway: $(STAMPS)/dev $(STAMPS)/mosquitto ## measure the gateway; prints one JSON object last
	@$(BIN)/countersign bench-gateway

.PHONY: bench-perimeter
bench-perimeter: $(STAMPS)/dev $(STAMPS)/mosquitto ## attack a site; prints one JSON object last; SECONDS_EACH=
	@$(BIN)/countersign bench-perimeter --seconds $(or $(SECONDS_EACH),60)

.PHONY: fuzz
fuzz: $(STAMPS)/dev ## malformed input for every reader of bytes; EXECUTIONS=
	@$(BIN)/countersign fuzz --executions $(or $(EXECUTIONS),10000000)

.PHONY: native-figures
native-figures: native ## write the native engine's table of sizes and cycles anew
	@$(BIN)/countersign build --board RPI_PICO
	@$(BIN)/python -m countersign_workshop.bench_proof.table write

.PHONY: bench-proof
bench-proof: native ## measure proofs on emulated boards; prints one JSON object last
	@for board in RPI_PICO QEMU_MPS2 QEMU_RV32; do $(BIN)/countersign build --board $$board >&2; done
	@$(BIN)/countersign bench-proof

.PHONY: bench-boards
bench-boards: board-parts ## measure emulated boards at a site; prints one JSON object last
	@for board in RPI_PICO QEMU_MPS2 QEMU_RV32 QEMU_M0; do $(BIN)/countersign build --board $$board >&2; done
	@$(BIN)/countersign bench-boards

.PHONY: soak
soak: board-parts ## let an emulated Pico check in 10,000 times: memory, flash; BOARD=, CHECK_INS=
	@$(BIN)/countersign build --board $(or $(BOARD),RPI_PICO) >&2
	@$(BIN)/countersign soak --board $(or $(BOARD),RPI_PICO) --check-ins $(or $(CHECK_INS),10000)

# Only the distribution that operators install becomes a wheel, because the other one needs a
# checkout.
.PHONY: wheel
wheel: $(STAMPS)/dev native ## build the wheel in dist/ and try it in empty environments
	@rm -rf dist && $(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@COUNTERSIGN_WHEEL=$$(realpath dist/countersign-*.whl) \
		$(BIN)/python -m pytest --quiet --slow tests/cli/test_installations.py
	@ls dist/*

.PHONY: sbom
sbom: $(STAMPS)/dev ## write the bill of materials of what is locked, dist/countersign.cdx.json
	@$(BIN)/python -m countersign_workshop.checks.sbom

.PHONY: lock
lock: $(STAMPS)/venv ## write constraints.txt anew from the ranges in both pyproject.toml
	@$(BIN)/python -m countersign_workshop.checks.lock

.PHONY: clean
clean: ## remove everything that was made or downloaded
	@rm -rf $(VENV) $(CACHE) build dist *.egg-info tools/*.egg-info
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@rm -rf .import_linter_cache contracts/out contracts/cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
