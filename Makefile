# artifacts-tui: `make` lists what there is to make.
GO       ?= go
BIN      := bin/artifacts-tui
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X github.com/artifacts-tui/artifacts-tui/cmd.Version=$(VERSION)
BUILDFLAGS := -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
TOOLS    := $(CURDIR)/bin/tools
SHARE    := bin/share
# Where `make install` puts things; DESTDIR is a root that is packed, and is in none of the files.
PREFIX   ?= /usr/local
DESTDIR  ?=
INSTALL  := $(DESTDIR)$(PREFIX)
# Tests that start many processes share two cores: a few packages at a time.
TESTFLAGS ?= -race -count=1 -timeout=15m
PACKAGES  ?= ./...

.DEFAULT_GOAL := help
.PHONY: help run build install uninstall share size vet-macos cross test soak lint bench bench-mount bench-objects bench-scale bench-tui microbench screenshots \
	docs notices notices-check release-snapshot release reproducible acceptance clean run-deps test-deps FORCE

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: run-deps build ## install what is missing, build, and open the terminal app
	@./$(BIN)

build: $(BIN) ## build bin/artifacts-tui

$(BIN): FORCE
	@CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o $@ ./cmd/artifacts-tui

share: $(BIN) # what is installed beside the program
	@sh .ci/share $(BIN) $(SHARE)

install: build share ## install the program, its other names, completions, manual and units (PREFIX=/usr/local, DESTDIR=)
	@mkdir -p $(INSTALL)/bin $(INSTALL)/share
	@install -m 755 $(BIN) $(INSTALL)/bin/artifacts-tui
	@ln -sf artifacts-tui $(INSTALL)/bin/artifacts
	@ln -sf artifacts-tui $(INSTALL)/bin/tunnelmesh
	@cp -R $(SHARE)/. $(INSTALL)/share/
	@if [ "$$(uname -s)" = Linux ]; then \
		for unit in system/artifacts-coordinator.service user/artifacts-coordinator.service user/artifacts-mount@.service; do \
			mkdir -p $(INSTALL)/lib/systemd/$${unit%/*} && \
			sed 's#/usr/bin/#$(PREFIX)/bin/#' packaging/systemd/$$unit >$(INSTALL)/lib/systemd/$$unit || exit 1; \
		done; \
	fi
	@echo "Installed below $(INSTALL)"

uninstall: ## remove what install put there
	@for name in artifacts-tui artifacts tunnelmesh; do \
		rm -f $(INSTALL)/bin/$$name $(INSTALL)/share/man/man1/$$name.1.gz $(INSTALL)/share/bash-completion/completions/$$name \
			$(INSTALL)/share/zsh/site-functions/_$$name $(INSTALL)/share/fish/vendor_completions.d/$$name.fish; \
	done
	@rm -f $(INSTALL)/lib/systemd/*/artifacts-coordinator.service $(INSTALL)/lib/systemd/user/artifacts-mount@.service
	@echo "Removed from $(INSTALL)"

size: $(BIN) ## fail where the program is larger than 35 MB
	@sh .ci/size $(BIN)

vet-macos: ## vet what only macOS compiles, tests included
	@CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) vet ./...

cross: vet-macos ## build for Linux and macOS, amd64 and arm64, into bin/cross
	@for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do \
		echo "$$target"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build $(BUILDFLAGS) \
			-o bin/cross/artifacts-tui-$${target%/*}-$${target#*/} ./cmd/artifacts-tui || exit 1; \
	done

test: test-deps build size vet-macos ## install what the tests use and run all of them with the race detector
	@ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) test $(TESTFLAGS) $(PACKAGES)

lint: $(TOOLS)/golangci-lint $(TOOLS)/gofumpt $(TOOLS)/actionlint ## gofumpt, go vet, golangci-lint, actionlint
	@unformatted=$$($(TOOLS)/gofumpt -l .); if [ -n "$$unformatted" ]; then echo "not gofumpt-formatted:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(TOOLS)/golangci-lint run ./...
	$(TOOLS)/actionlint

bench: $(TOOLS)/versitygw $(TOOLS)/rclone $(TOOLS)/minio ## measure the store beside its yardsticks and write docs/benchmarks.md
	ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) run ./internal/yardstick store -write docs/benchmarks.md
	@$(MAKE) bench-objects

bench-objects: $(TOOLS)/rclone ## measure `object put` and `object get` beside rclone copy and write docs/benchmarks.md
	ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) run ./internal/yardstick objects -write docs/benchmarks.md

bench-scale: $(TOOLS)/versitygw ## measure three coordinators on PostgreSQL and S3 beside one and write docs/benchmarks.md; KEYS=10000000 for ten million keys
	@sh .ci/packages test
	ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) run ./internal/yardstick cluster -objects $(or $(KEYS),1000000) -write docs/benchmarks.md

bench-mount: $(TOOLS)/rclone ## measure the mount beside its yardsticks and write docs/benchmarks.md
	@sh .ci/packages bench
	ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) run ./internal/yardstick mount -write docs/benchmarks.md

bench-tui: build ## measure the terminal app in a terminal, with a million objects and a job running, and write docs/benchmarks.md
	$(GO) run ./internal/tuibench -bin $(BIN) -write docs/benchmarks.md

microbench: ## Go benchmarks of the store, the mount and the terminal app
	$(GO) test -run='^$$' -bench=. -benchmem ./backend/... ./mounts/... ./ui/...

soak: test-deps ## what takes longer than a test may: kills by the hundred, 10,000 random changes, 1,000 that another mount has to see, half an hour of faults
	STORETEST_CRASH_ROUNDS=200 $(GO) test -count=1 -timeout=60m -v -run 'TestContract/crash' ./backend/store/local
	STORETEST_CRASH_ROUNDS=100 STORM_ALL=1 $(GO) test -count=1 -timeout=60m -v -run 'TestContract/crash|TestStorm' ./backend/store/postgres
	STORETEST_WHOLE=1 ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) test -count=1 -timeout=60m -v -run 'TestContract' ./backend/store/engines
	KILL_ROUNDS=50 $(GO) test -count=1 -timeout=60m -v -run 'TestKill(InsideRename|DuringRecovery|AfterMappedWrites)' ./mounts
	RANDOM_CHANGES=10000 $(GO) test -count=1 -timeout=60m -v -run 'TestRandomChangesAndKills' ./mounts
	$(GO) test -count=1 -timeout=60m -parallel=16 -run 'TestModel' ./mounts/upper -model.rounds=2000
	CHANGE_ROUNDS=1000 $(GO) test -count=1 -timeout=60m -v -run 'TestChangesShow' ./mounts
	CONTROL_KILL_ROUNDS=100 $(GO) test -count=1 -timeout=60m -v -run 'TestKillUnderControl' ./cmd
	CLUSTER_ROUNDS=1000 $(GO) test -count=1 -timeout=60m -v -run 'TestClusterMounts' ./cmd
	SOAK_SCRIPTS=1 ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) test -count=1 -timeout=60m -v -run 'TestSoakScripts' ./cmd
	TUI_FUZZ_ROUNDS=400 $(GO) test -count=1 -timeout=60m -run 'TestRandomKeysInATerminal' ./ui
	SOAK_TIME=30m $(GO) test -count=1 -timeout=60m -v -run 'TestLoadWhileTheStoreFails' ./mounts

screenshots: build $(TOOLS)/versitygw ## draw screenshots/ from the real program
	PATH=$(TOOLS):$$PATH $(GO) run ./screenshots -bin $(BIN) screenshots/scenes/*.scene

docs: test-deps ## write what the commands of README.md and docs/ print into these pages
	ARTIFACTS_TEST_TOOLS=$(TOOLS) $(GO) test -count=1 ./internal/doctest -update

notices: ## write THIRD_PARTY_NOTICES, the licences of what is linked
	$(GO) run ./internal/notices

notices-check:
	@$(GO) run ./internal/notices -check

release-snapshot: $(TOOLS)/goreleaser $(TOOLS)/cyclonedx-gomod ## build what a release has, for every system, into dist; then install the deb in a clean Debian and use it
	@PATH=$(TOOLS):$$PATH goreleaser check
	@PATH=$(TOOLS):$$PATH sh .ci/snapshot
	@sh .ci/packages root
	@.ci/root .ci/deb dist/*_linux_$$($(GO) env GOARCH).deb

reproducible: $(TOOLS)/goreleaser $(TOOLS)/cyclonedx-gomod ## make the release twice, from two folders and without a cache, and compare all bytes
	@PATH=$(TOOLS):$$PATH sh .ci/reproducible

release: $(TOOLS)/goreleaser $(TOOLS)/cyclonedx-gomod ## publish the tagged commit (what the release workflow runs)
	@mkdir -p bin
	@awk -v v="$$(git describe --tags --exact-match | sed 's/^v//')" '/^## /{on = $$2 == "[" v "]"; next} on' CHANGELOG.md >bin/release-notes.md
	@[ -s bin/release-notes.md ] || { echo "CHANGELOG.md says nothing of this version" >&2; exit 1; }
	@PATH=$(TOOLS):$$PATH goreleaser release --clean --release-notes bin/release-notes.md

acceptance: ## in a clean Debian: what the README says, as a new user would do it (tens of minutes)
	@sh .ci/packages root
	@sh .ci/acceptance

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

$(TOOLS)/actionlint:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

$(TOOLS)/goreleaser:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/goreleaser/goreleaser/v2@v2.16.0

$(TOOLS)/cyclonedx-gomod:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

$(TOOLS)/gofumpt:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install mvdan.cc/gofumpt@v0.12.0
