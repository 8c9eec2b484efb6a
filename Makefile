# The verbs. Each installs what it lacks (.ci/install); outputs are fixed, others script against them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The compiler maps paths; a cache that rewrites them first makes bytes depend on the folder.
export CCACHE_BASEDIR :=
# What a shell's owner likes for his own machine is not for Lambda's.
unexport CFLAGS CXXFLAGS CPPFLAGS LDFLAGS CPATH LIBRARY_PATH
# A script's `cd layer/..` shall not end in somebody's other folder.
export CDPATH :=
# Two verbs at once would build in one folder; each has JOBS of its own.
.NOTPARALLEL:

# How long the long loops of test-all are.
N ?= 20
MINUTES ?= 60
JOBS ?= $(shell nproc)
SOURCES = $(shell git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp')
# Whatever begins like a shell script.
SCRIPTS = $(shell git ls-files | xargs grep -lE '^\#!(/bin/sh|/usr/bin/env bash)$$')

.PHONY: help build demo serve test test-all test-rest test-long test-gcc lint format layer bench fuzz coverage soak publish clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

build: ## build/thaw and build/thaw-sandbox: release, static; prints the sizes
	@.ci/install build
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target thaw thaw-sandbox -j $(JOBS)
	@.ci/publish-binaries

demo: build ## a real function with and without Thaw, side by side; picture in build/demo.html
	@.ci/install functions sentry-layer
	@build/functions/python/bin/python tests/system/demo.py

serve: ## a Sentry of your own on localhost, built in a hurry: shows what an SDK sends; SERVE="--upstream DSN": the relay
	@.ci/install debug
	@cmake --preset dev --log-level=WARNING
	@cmake --build --preset dev --target thaw -j $(JOBS)
	@build/dev/bin/thaw serve $(or $(SERVE),--capture)

test: build ## units, house, promises and the scenes at their short length, Python and Node
	@.ci/install functions sentry-layer
	@cmake --preset dev --log-level=WARNING
	@cmake --build --preset dev --target unit_tests -j $(JOBS)
	@ctest --preset dev

test-all: test test-rest test-long ## adds what test leaves out: sanitizers, valgrind, a soak, g++, long kills, the layer, all SDKs, AWS's emulator

test-rest: ## what test-all adds to test
	@.ci/install build sanitizers
	@cmake --preset asan --log-level=WARNING
	@cmake --build --preset asan --target unit_tests thaw -j $(JOBS)
	@STEPS=20000 ctest --preset asan
	@$(MAKE) --no-print-directory test-gcc
	@N=200 build/functions/python/bin/python tests/system/faults.py -k killed
	@ALL=1 python3 tests/system/networks.py || [ $$? -eq 77 ]
	@$(MAKE) --no-print-directory layer
	@.ci/install emulator deploy browser sdks valgrind
	@cmake --preset dev --log-level=WARNING
	@cmake --build --preset dev --target thaw -j $(JOBS)
	@ctest --preset rest

test-long: ## what takes longest of test-all: the layer once more, in another folder, to the byte
	@cmake --preset dev --log-level=WARNING
	@ctest --preset long

test-gcc: ## the units with the second compiler
	@.ci/install build
	@cmake --preset gcc --log-level=WARNING
	@cmake --build --preset gcc --target unit_tests -j $(JOBS)
	@ctest --preset gcc

lint: ## clang-format, clang-tidy and cppcheck over everything, shellcheck over the scripts
	@.ci/install build lint
	@cmake --preset dev --log-level=WARNING
	@clang-format-19 --dry-run --Werror $(SOURCES)
	@shellcheck -x $(SCRIPTS)
	@cppcheck -j $(JOBS) --quiet --std=c++20 --language=c++ -I. --enable=warning,performance,portability \
	  --suppressions-list=.cppcheck-suppressions --error-exitcode=1 $(filter-out tests/compile_fail/%,$(filter %.cpp,$(SOURCES)))
	@printf '%s\n' $(filter %.cpp,$(filter-out tests/compile_fail/%,$(SOURCES))) | \
	  xargs -P $(JOBS) -n 4 clang-tidy-19 -p build/dev --quiet

format: ## rewrites the sources in our format
	@.ci/install lint
	@clang-format-19 -i $(SOURCES)

bench: build ## what Thaw costs beside its peers: build/bench.md, build/bench.svg; FULL=1 for longer runs, PARTS="accept" for some
	@.ci/install functions sentry-layer bench
	@cmake --build --preset release --target benchmarks -j $(JOBS)
	@build/functions/python/bin/python tests/bench/bench.py $(if $(filter 1,$(FULL)),--full) $(PARTS)

publish: ## prints the AWS CLI calls that publish the layer in REGION; YES=1 makes them, PUBLIC=1 for everyone
	@layer/publish $(if $(filter 1,$(YES)),--yes) $(if $(filter 1,$(PUBLIC)),--public) "$(REGION)"

layer: build ## build/layer/: the zips for x86_64 and arm64, their bills of materials, checksums
	@.ci/install layer
	@cmake --preset release-arm64 --log-level=WARNING
	@cmake --build --preset release-arm64 --target thaw -j $(JOBS)
	@rm -rf build/layer && mkdir -p build/layer
	@layer/pack x86_64 build/thaw build/release/bin/thaw.map / build/layer
	@layer/pack arm64 build/release-arm64/bin/thaw build/release-arm64/bin/thaw.map build/deps/sysroot-arm64 build/layer
	@cd build/layer && sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS .

fuzz: ## all fuzzers, MINUTES=60 in all, JOBS at a time; table in build/fuzz/report.md, what they find in build/fuzz/found
	@.ci/install build sanitizers
	@cmake --preset fuzz --log-level=WARNING
	@cmake --build --preset fuzz --target fuzzers -j $(JOBS)
	@JOBS=$(JOBS) python3 tests/fuzz/run.py $(MINUTES) $(TARGETS)

coverage: ## which lines of proto the units and the corpora run; below 95 % it fails
	@.ci/install build coverage
	@cmake --preset coverage --log-level=WARNING
	@cmake --build --preset coverage --target unit_tests -j $(JOBS)
	@python3 tests/fuzz/coverage.py

soak: build ## MINUTES of mixed traffic with freezes, faults, resets and kills; SEED: the same choices again
	@MINUTES=$(MINUTES) python3 tests/system/soak.py

clean: ## removes build/
	@rm -rf build
