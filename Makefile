# SPDX-License-Identifier: Apache-2.0
#
# ringproof: kernel patch test and fuzz harness for io_uring. `make help` lists the targets.

GO      ?= go
# Several series or flavours are separated by commas.
SERIES  ?= v4,v7
FLAVOUR ?= fast
SOURCE  ?= debian:linux-source-6.12
OUT     ?= out

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
.PHONY: help build deps deps-bpf vm-test vm-test-full test unit lint generate generate-check bench ci clean FORCE

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

generate: ## regenerate the eBPF objects and the families of the catalogue
	@$(GO) generate ./vm/probe ./cases/families

generate-check: generate ## fail if a committed generated file is not current
	@git diff --exit-code --stat -- vm/probe cases/catalogue || { echo "generated files differ: commit what 'make generate' made"; exit 1; }

bench: deps build ## the figures of docs/performance.md, measured here
	@$(BINARY) bench --source $(SOURCE)

ci: ## what .ci/run runs: make vm-test, then make test
	@.ci/run

clean: ## remove bin/ and out/ (the cache: ringproof cache prune --all)
	@rm -rf bin out
