# SPDX-License-Identifier: Apache-2.0
#
# ringproof: kernel patch test and fuzz harness for io_uring. `make help` lists the targets.

GO      ?= go
# Several series or flavours are separated by commas.
SERIES  ?= v4,v7
FLAVOUR ?= fast
SOURCE  ?= debian:linux-source-6.12
OUT     ?= out
# make soak: which series, how long each, and from which seed on (unset: by the clock).
SOAK_SERIES ?= none,v4,v7
SOAK_TIME   ?= 30m
SOAK_SEED   ?=
# make fuzz-native: which target, on which series, how long, with how many guests, and what else go test shall get.
FUZZ        ?= FuzzRing
FUZZ_SERIES ?= v4
FUZZ_TIME   ?= 10m
FUZZ_JOBS   ?= 2
FUZZ_FLAGS  ?=
# make chaos: how many things to break, and from which seed on.
FAULTS ?= 300
SEED   ?= 1

# What a build, a boot and a kernel need, as Debian 12 calls it; see `ringproof doctor`.
PACKAGES = qemu-system-x86 linux-source-6.12 build-essential flex bison bc libelf-dev \
	   libssl-dev dwarves cpio xz-utils zstd lz4 kmod
# Only to regenerate the eBPF objects, and to check that the committed ones are current.
BPF_PACKAGES = clang llvm libbpf-dev

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT  = github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

BINARY  = bin/ringproof
LDFLAGS = -s -w -X main.version=$(shell git describe --always --dirty 2>/dev/null || echo unknown)

.DEFAULT_GOAL := help
.PHONY: help build deps deps-bpf vm-test vm-test-full test unit lint generate generate-check mutants fuzz hunt soak fuzz-native chaos bench ci ci-matrix clean FORCE

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables: SERIES=$(SERIES) FLAVOUR=$(FLAVOUR) SOURCE=$(SOURCE) OUT=$(OUT)"

build: $(BINARY) ## the binary, static, in bin/
$(BINARY): FORCE
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./harness/cmd/ringproof

deps: ## install what building and booting a kernel needs (Debian, as root)
	@.ci/deps $(PACKAGES)

deps-bpf: ## install what regenerating the eBPF objects needs (Debian, as root)
	@.ci/deps $(BPF_PACKAGES)

vm-test: deps build ## the main job: build the patched kernels, boot them, run the catalogue, judge, report
	@$(BINARY) test --source $(SOURCE) --series $(SERIES) --flavour $(FLAVOUR) --out $(OUT)

vm-test-full: FLAVOUR = fast,kasan,kcsan
vm-test-full: vm-test ## the same on every flavour: fast, kasan, kcsan

# One package at a time: guests that share two cores with each other show nothing about speed and much about patience.
# The kernels come first: the tests plant bugs in them, and rebuild what those touch.
test: deps deps-bpf build lint generate-check ## every test, those in a guest included; ends with a count
	@$(BINARY) kernel build --source $(SOURCE) --series v4 --flavour kasan,kcsan >/dev/null && \
	kernel=$$($(BINARY) kernel build --source $(SOURCE) --series v4) && \
	RINGPROOF_VM=1 RINGPROOF_KERNEL=$$kernel RINGPROOF_AGENT=$(abspath $(BINARY)) \
		$(GO) run .ci/gotest.go -p 1 -timeout 80m ./...

unit: ## the tests that need no guest; ends with a count
	@$(GO) run .ci/gotest.go ./...

lint: ## gofmt, go vet, staticcheck, actionlint
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt: run gofmt -w on:"; echo "$$out"; exit 1; }
	@$(GO) vet ./...
	@$(GO) run $(STATICCHECK) ./...
	@$(GO) run $(ACTIONLINT) $(wildcard .github/workflows/*.yml)

generate: ## regenerate the eBPF objects, the families of the catalogue and the fuzz engine's sink
	@$(GO) generate ./vm/probe ./cases/families ./fuzz/sink

generate-check: generate ## fail if a committed generated file is not current
	@git diff --exit-code --stat -- vm/probe cases/catalogue fuzz/sink || { echo "generated files differ: commit what 'make generate' made"; exit 1; }

mutants: deps build ## does the catalogue find mistakes? The kill matrix of those that come with v4 and v7
	@$(BINARY) mutants --source $(SOURCE) --series $(SERIES) --out $(OUT)

fuzz: deps build ## a campaign of FUZZ_TIME in two guests, every execution judged: findings, minimised, with C source
	@$(BINARY) fuzz --source $(SOURCE) --series $(FUZZ_SERIES) --flavour $(FLAVOUR) --time $(FUZZ_TIME) --jobs $(FUZZ_JOBS) --out $(OUT)

hunt: deps build ## how long does it take to find each deliberate mistake in FUZZ_SERIES from nothing?
	@$(BINARY) fuzz --hunt --source $(SOURCE) --series $(FUZZ_SERIES) --time $(FUZZ_TIME) --jobs $(FUZZ_JOBS) --out $(OUT)

soak: deps build ## the catalogue over and over under new noise on none, v4 and v7, 30 minutes each: right kernels raise no alarm
	@$(BINARY) soak --source $(SOURCE) --series $(SOAK_SERIES) --flavour $(FLAVOUR) --time $(SOAK_TIME) \
		$(if $(SOAK_SEED),--seed $(SOAK_SEED)) --out $(OUT)

fuzz-native: deps build ## go test -fuzz with a guest for each worker: FUZZ=FuzzGroup or FuzzRing; see docs/fuzzing.md
	@$(BINARY) kernel build --source $(SOURCE) --series $(FUZZ_SERIES) --flavour $(FLAVOUR) >/dev/null && \
	RINGPROOF_VM=1 RINGPROOF_AGENT=$(abspath $(BINARY)) RINGPROOF_SOURCE=$(SOURCE) RINGPROOF_SERIES=$(FUZZ_SERIES) RINGPROOF_FLAVOUR=$(FLAVOUR) \
		$(GO) test ./fuzz -run '^$$' -fuzz '^$(FUZZ)$$' -fuzztime $(FUZZ_TIME) -fuzzminimizetime 20x -parallel $(FUZZ_JOBS) $(FUZZ_FLAGS)

chaos: deps build ## break ringproof's own side FAULTS times: no false verdict, no lost result, nothing left behind
	@$(BINARY) kernel build --source $(SOURCE) --series v4 >/dev/null && \
	RINGPROOF_VM=1 RINGPROOF_CHAOS_FAULTS=$(FAULTS) RINGPROOF_CHAOS_SEED=$(SEED) \
		$(GO) test ./harness -run '^TestChaos$$' -count 1 -v -timeout 12h

bench: deps build ## the figures of docs/performance.md, measured here
	@$(BINARY) bench --source $(SOURCE)

ci-matrix: deps build ## every cell of none, v4, v7 on fast, kasan, kcsan, as a CI runs them; ends with a table
	@$(BINARY) ci run --source $(SOURCE) --out $(OUT)/ci; status=$$?; $(BINARY) ci summary $(OUT)/ci; exit $$status

ci: ## what .ci/run runs: make vm-test, then make test
	@.ci/run

clean: ## remove bin/ and out/ (the cache: ringproof cache prune --all)
	@rm -rf bin out
