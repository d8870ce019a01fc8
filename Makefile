# artifacts-tui: `make` lists what there is to make.
GO       ?= go
BIN      := bin/artifacts-tui
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X github.com/artifacts-tui/artifacts-tui/cmd.Version=$(VERSION)
TOOLS    := $(CURDIR)/bin/tools
# Tests that start many processes share two cores: a few packages at a time.
TESTFLAGS ?= -race -count=1 -timeout=15m

.DEFAULT_GOAL := help
.PHONY: help run build vet-macos cross test soak lint bench bench-mount bench-objects bench-tui microbench screenshots clean run-deps test-deps FORCE

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: run-deps build ## install what is missing, build, and open the terminal app
	@./$(BIN)

build: $(BIN) ## build bin/artifacts-tui

$(BIN): FORCE
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/artifacts-tui

vet-macos: ## vet what only macOS compiles, tests included
	@CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) vet ./...

cross: vet-macos ## build for Linux and macOS, amd64 and arm64, into bin/cross
	@for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do \
		echo "$$target"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -trimpath -ldflags '$(LDFLAGS)' \
			-o bin/cross/artifacts-tui-$${target%/*}-$${target#*/} ./cmd/artifacts-tui || exit 1; \
	done

test: test-deps build vet-macos ## install what the tests use and run all of them with the race detector
	@ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) test $(TESTFLAGS) ./...

lint: $(TOOLS)/golangci-lint $(TOOLS)/gofumpt ## gofumpt, go vet, golangci-lint
	@unformatted=$$($(TOOLS)/gofumpt -l .); if [ -n "$$unformatted" ]; then echo "not gofumpt-formatted:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(TOOLS)/golangci-lint run ./...

bench: $(TOOLS)/versitygw $(TOOLS)/rclone $(TOOLS)/minio ## measure the store beside its yardsticks and write docs/benchmarks.md
	ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) run ./internal/yardstick store -write docs/benchmarks.md
	@$(MAKE) bench-objects

bench-objects: $(TOOLS)/rclone ## measure `object put` and `object get` beside rclone copy and write docs/benchmarks.md
	ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) run ./internal/yardstick objects -write docs/benchmarks.md

bench-mount: $(TOOLS)/rclone ## measure the mount beside its yardsticks and write docs/benchmarks.md
	@sh .ci/packages bench
	ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) run ./internal/yardstick mount -write docs/benchmarks.md

bench-tui: build ## measure the terminal app in a terminal, with a million objects and a job running
	$(GO) run ./internal/tuibench -bin $(BIN)

microbench: ## Go benchmarks of the store, the mount and the terminal app
	$(GO) test -run='^$$' -bench=. -benchmem ./backend/... ./mounts/... ./ui/...

soak: test-deps ## what takes longer than a test may: kills by the hundred, 10,000 random changes, half an hour of faults
	STORETEST_CRASH_ROUNDS=200 $(GO) test -count=1 -timeout=60m -v -run 'TestContract/crash' ./backend/store/local
	KILL_ROUNDS=50 $(GO) test -count=1 -timeout=60m -v -run 'TestKill(InsideRename|DuringRecovery|AfterMappedWrites)' ./mounts
	RANDOM_CHANGES=10000 $(GO) test -count=1 -timeout=60m -v -run 'TestRandomChangesAndKills' ./mounts
	$(GO) test -count=1 -timeout=60m -parallel=16 -run 'TestModel' ./mounts/upper -model.rounds=2000
	TUI_FUZZ_ROUNDS=400 $(GO) test -count=1 -timeout=60m -run 'TestRandomKeysInATerminal' ./ui
	SOAK_TIME=30m $(GO) test -count=1 -timeout=60m -v -run 'TestLoadWhileTheStoreFails' ./mounts

screenshots: build $(TOOLS)/versitygw ## draw screenshots/ from the real program
	PATH=$(TOOLS):$$PATH $(GO) run ./screenshots -bin $(BIN) screenshots/scenes/*.scene

clean: ## remove what was built
	rm -rf bin dist coverage.out

run-deps:
	@sh .ci/packages run

test-deps: $(TOOLS)/versitygw $(TOOLS)/rclone
	@sh .ci/packages test

$(TOOLS)/versitygw:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/versity/versitygw/cmd/versitygw@v1.8.0

$(TOOLS)/rclone:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/rclone/rclone@v1.76.0

# A yardstick alone: nothing of ours depends on it, so the benchmarks run without it too.
$(TOOLS)/minio:
	@mkdir -p $(TOOLS)
	-GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c

$(TOOLS)/golangci-lint:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

$(TOOLS)/gofumpt:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install mvdan.cc/gofumpt@v0.12.0
