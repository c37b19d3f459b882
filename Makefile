# Pushboat's build. Needs Go, Git, OpenSSH and make, nothing else; a C
# compiler only adds the race detector to the tests.
#
#   make build       bin/pushboat, bin/pushboat-hook and bin/pushboat-sops
#   make reproduce   the same again from nothing, and compares
#   make devcluster  bin/devcluster, a Kubernetes control plane in one program
#   make dist        archives and packages for Linux, in bin/dist
#   make demo        the whole thing before your eyes; ONCE=1 ends by itself
#   make test        every test; RUN=regexp for some of them
#   make race        those in test/ again; every server with the race detector
#   make soak        servers that are killed, frozen, cut off, upgraded: FAULTS=1000, SEED=n
#   make manifests   config/install anew from its chart
#   make lint        golangci-lint, with the rules of .golangci.yml
#   make docs        what is written of settings and metrics, from their tables
#   make fuzz        each fuzz target for FUZZTIME (10s)
#   make bench       what docs/benchmarks.md tells of; ONLY=row,row for some of it
#   make bench-go    the Go benchmarks; BENCH=regexp for some of them
#   make clean       removes bin/
#
# Times are for two cores. "Cold" is the first build ever, with modules to
# fetch and an empty build cache.

SHELL := /bin/sh
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# --- flags, in one place ------------------------------------------------
# The same for both modules, so that they share one build cache: what
# devcluster compiles of Kubernetes, the server does not compile again.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(filter-out -trimpath -buildvcs=%,$(GOFLAGS)) -trimpath -buildvcs=false)

# The version is stamped into package main alone: a new commit links again,
# but compiles nothing again. The date is the commit's: the same commit makes
# the same programs, see make reproduce.
VERSION := $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
DATE := $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

# Leaves out what Google's client of its file storage brings, but no key needs: a
# quarter of pushboat-sops.
SOPS_TAGS := -tags disable_grpc_modules

# The Kubernetes release that devcluster is; an API server that does not know
# its version reports v0.0.0, and clients refuse it.
KUBERNETES := 1.37.2
KUBE_VERSION := k8s.io/component-base/version
DEVCLUSTER_LDFLAGS := -s -w \
	-X $(KUBE_VERSION).gitVersion=v$(KUBERNETES) \
	-X $(KUBE_VERSION).gitMajor=$(word 1,$(subst ., ,$(KUBERNETES))) \
	-X $(KUBE_VERSION).gitMinor=$(word 2,$(subst ., ,$(KUBERNETES))) \
	-X $(KUBE_VERSION).gitTreeState=clean \
	-X $(KUBE_VERSION).buildDate=1970-01-01T00:00:00Z

# The race detector needs a C compiler that works; one is tried, not assumed.
CC_WORKS = printf '\#include <stdlib.h>\nint main(void) { return 0; }\n' | \
	$$(go env CC) -x c -o /dev/null - >/dev/null 2>&1
RACE = $(if $(shell $(CC_WORKS) && echo yes),-race)

# With which the pages are tested, see test/browser.
BROWSER = $(shell for name in chromium chromium-browser google-chrome google-chrome-stable; do command -v $$name && break; done)

DEVCLUSTER_SOURCES := $(shell find cmd/devcluster -type f)
GOLANGCI_LINT := bin/golangci-lint
RUN ?= .
BENCH ?= .
FUZZTIME ?= 10s
TEST_TIMEOUT ?= 60m
FAULTS ?= 1000
SEED ?= 0

# Given as one word in quotes: a comma would end an argument of $(call).
say := printf '==> %s\n'

.PHONY: build dist reproduce devcluster demo test race test-devcluster test-sops test-golden soak lint fmt docs manifests fuzz bench bench-go clean help

# --- programs -----------------------------------------------------------
build:
	@$(say) 'building bin/pushboat, bin/pushboat-hook and bin/pushboat-sops (cold: 8 min; after devcluster, seconds)'
	@go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/pushboat ./cmd/pushboat-hook
	@go -C cmd/pushboat-sops build $(SOPS_TAGS) -ldflags '-s -w' -o '$(CURDIR)/bin/' .

devcluster: bin/devcluster

bin/devcluster: $(DEVCLUSTER_SOURCES)
	@$(say) 'building bin/devcluster: Kubernetes $(KUBERNETES) from source (cold: 7 to 12 min)'
	@mkdir -p bin
	@go -C cmd/devcluster build -ldflags '$(DEVCLUSTER_LDFLAGS)' -o '$(CURDIR)/bin/devcluster' .
	@touch bin/devcluster

# devcluster goes first: after it the server's own build is short.
demo: bin/devcluster build
	@go build -o bin/demo ./cmd/demo
	@bin/demo $(if $(filter 1,$(ONCE)),--once)

# The programs again, in a clone elsewhere, with nothing from the build cache.
AGAIN := bin/again
reproduce: build
	@git diff --quiet HEAD || { $(say) 'commit first: a clone has no more than that' >&2; exit 1; }
	@$(say) 'building everything once more, from nothing (8 to 15 min)'
	@rm -rf $(AGAIN) && git clone -q . $(AGAIN)/elsewhere
	@TZ=Pacific/Auckland GOCACHE='$(CURDIR)/$(AGAIN)/cache' $(MAKE) -C $(AGAIN)/elsewhere build
	@for program in pushboat pushboat-hook pushboat-sops; do \
		cmp bin/$$program $(AGAIN)/elsewhere/bin/$$program || exit 1; \
	done
	@rm -rf $(AGAIN)
	@$(say) 'both builds are equal'

# Archives, deb and rpm for Linux, in bin/dist, and a server that is run from the deb.
NFPM := bin/nfpm
dist: build bin/devcluster $(NFPM)
	@$(say) 'making packages in bin/dist (cold: 8 min for each kind of machine)'
	@VERSION='$(VERSION)' DATE='$(DATE)' LDFLAGS='$(LDFLAGS)' NFPM='$(NFPM)' .ci/dist
	@PUSHBOAT_TEST_DIST='$(CURDIR)/bin/dist' go test -count=1 -timeout $(TEST_TIMEOUT) ./test/dist

$(NFPM): .ci/dist.mod .ci/dist.sum
	@$(say) 'building $(NFPM) (cold: about 1 min)'
	@mkdir -p bin
	@go build -modfile=.ci/dist.mod -o bin/ tool
	@touch $(NFPM)

# --- checks -------------------------------------------------------------
test: bin/devcluster test-devcluster test-sops test-golden
	@$(if $(RACE),:,$(say) 'no C compiler that works: testing without the race detector')
	@$(if $(BROWSER),:,$(say) 'no Chromium: leaving out the tests of pages; get it with: apt-get install chromium')
	@$(say) 'testing (cold: 8 to 15 min, most of it compiling for the race detector)'
	@CGO_ENABLED=$(if $(RACE),1,0) go test $(RACE) -timeout $(TEST_TIMEOUT) -run '$(RUN)' ./...

# make test has the race detector in unit tests, and in the servers of test/converge.
race: bin/devcluster
	@$(say) 'testing every server with the race detector (about 40 min)'
	@CGO_ENABLED=1 PUSHBOAT_TEST_RACE=all go test -race -count=1 -timeout 2h -run '$(RUN)' ./test/...

test-devcluster:
	@$(say) 'checking the devcluster module (about 1 min)'
	@go -C cmd/devcluster vet ./...
	@go -C cmd/devcluster test -timeout $(TEST_TIMEOUT) ./...

test-sops:
	@$(say) 'checking the module that decrypts (seconds)'
	@go -C cmd/pushboat-sops vet $(SOPS_TAGS) ./...
	@go -C cmd/pushboat-sops test $(SOPS_TAGS) -timeout $(TEST_TIMEOUT) ./...

# What the server renders beside what the libraries of Flux do, which are no part of it.
test-golden: build
	@$(say) 'comparing repositories of Flux and Argo CD with their own libraries (cold: 2 min)'
	@go -C test/golden vet ./...
	@go -C test/golden test -count=1 -timeout $(TEST_TIMEOUT) ./...

# The server as it is deployed, without the race detector: there is room for more
# faults then. make test makes a few with it.
soak: bin/devcluster
	@$(say) 'making $(FAULTS) random faults (about 1 h for 1000)'
	@PUSHBOAT_TEST_RACE=none go test -count=1 -v -timeout 4h ./test/converge -run '^TestSoak$$' -faults $(FAULTS) -seed $(SEED)
	@$(say) 'upgrading servers under twenty pushers (about 5 min)'
	@PUSHBOAT_TEST_RACE=none go test -count=1 -v -timeout 1h ./test/upgrade -pushers 20

$(GOLANGCI_LINT): .ci/lint.mod .ci/lint.sum
	@$(say) 'building $(GOLANGCI_LINT) (cold: about 5 min)'
	@mkdir -p bin
	@go build -modfile=.ci/lint.mod -o bin/ tool
	@touch $(GOLANGCI_LINT)

lint: $(GOLANGCI_LINT)
	@$(say) 'linting the modules (cold: 3 to 8 min, most of it for devcluster)'
	@$(GOLANGCI_LINT) run ./...
	@cd cmd/devcluster && '$(CURDIR)/$(GOLANGCI_LINT)' run --config '$(CURDIR)/.golangci.yml' ./...
	@cd cmd/pushboat-sops && '$(CURDIR)/$(GOLANGCI_LINT)' run --config '$(CURDIR)/.golangci.yml' ./...

fmt: $(GOLANGCI_LINT)
	@$(GOLANGCI_LINT) fmt ./...

# test/project holds both files to the table.
docs:
	@$(say) 'writing config/pushboat.yaml, docs/configuration.md, docs/metrics.md, docs/console.md and the schemas of output'
	@go build -o bin/ ./cmd/pushboat
	@bin/pushboat config sample >config/pushboat.yaml
	@sed -i.old '/^<!-- What follows is made by/q' docs/configuration.md && rm docs/configuration.md.old
	@{ echo; bin/pushboat config table --markdown; } >>docs/configuration.md
	@go test ./test/project -run '^TestReferenceOfMetrics' -update
	@go test ./internal/command -run '^(TestConsoleIsDocumented|TestJSONHasASchema)$$' -update

manifests:
	@$(say) 'writing config/install/install.yaml and the table of values'
	@go test ./test/project -run '^TestInstallation' -update

# go test fuzzes one target of one package at a time.
fuzz:
	@$(say) 'fuzzing each target for $(FUZZTIME) (and minutes of compiling for each the first time)'
	@set -e; grep -rlE '^func Fuzz' --include='*_test.go' internal cmd hooks | sort | while read -r file; do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$$file"); do \
			echo "$$(dirname "$$file") $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" </dev/null; \
		done; \
	done

# The server as it is deployed, its references, and an API server that counts
# the requests of both. Nothing else should run on the machine.
bench: bin/devcluster build
	@$(say) 'measuring against the references (about 15 min)'
	@go build -o bin/bench ./test/bench
	@bin/bench -only '$(ONLY)' $(if $(ROUNDS),-rounds $(ROUNDS)) $(if $(FLEET),-fleet $(FLEET)) $(if $(HERD),-herd $(HERD)) $(if $(PROFILES),-profiles $(PROFILES))

bench-go:
	@$(say) 'running the Go benchmarks'
	@go test -run '^$$' -bench '$(BENCH)' -benchmem ./internal/... ./cmd/...

clean:
	rm -rf bin

help:
	@sed -n 's/^#   //p' Makefile
