# flowgate: `make` lists what there is to do.
SHELL := /bin/bash -o pipefail
TOOLS := $(CURDIR)/.cache/bin
GOLANGCI_VERSION := v2.15.0
AIR_VERSION := v1.67.4
export PATH := $(TOOLS):$(PATH)

.PHONY: help build dev check fmt vet lint generated console-current console manifests vulnerabilities deploy newcomer licences test scenarios fuzz generate release clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 16

build: ## build ./flowgate
	go build -trimpath -o flowgate ./cmd/flowgate

dev: $(TOOLS)/air-$(AIR_VERSION) ## serve, and rebuild and restart when the source changes
	@mkdir -p .cache/dev
	DATA_DIR=$${DATA_DIR:-$(CURDIR)/.cache/dev} $<

$(TOOLS)/air-$(AIR_VERSION):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/air-verse/air@$(AIR_VERSION)
	mv $(TOOLS)/air $@

check: fmt vet lint generated console-current deploy licences vulnerabilities newcomer test ## everything CI runs: format, vet, lint, generated files, the console, deployment, licences, vulnerabilities, a newcomer's way, race tests, end to end

fmt:
	@files=$$(git ls-files '*.go') && [ -n "$$files" ] || { echo "not a git checkout"; exit 1; }; \
	out=$$(gofmt -l $$files); if [ -n "$$out" ]; then echo "not formatted (gofmt -w):"; echo "$$out"; exit 1; fi

vet:
	go vet ./...

lint: $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
	$< run ./...

$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION):
	@mkdir -p $(TOOLS); echo "building golangci-lint $(GOLANGCI_VERSION), once, in a minute or two"
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/golangci-lint $@

generated: ## generated files are current
	.ci/generated check

generate: ## make generated files anew
	.ci/generated

console-current: # web/console/dist is what the source builds to
	.ci/console check

console: ## build the web console into web/console/dist
	.ci/console

manifests: ## the compose file and the Kubernetes manifests fit their schemas
	.ci/manifests

vulnerabilities: ## known ones that reach this program
	.ci/vulnerabilities

deploy: manifests ## the same, and the Dockerfile's build stages, replayed in a clean folder
	.ci/dockerfile

newcomer: ## the README's first command and quick starts, in a clean copy and an empty environment
	.ci/newcomer

licences: ## of every module that is linked in
	.ci/licences

release: ## archives for each system with checksums and a bill of materials, in dist/ (VERSION=1.2.3)
	.ci/release $(VERSION)

test: ## race tests, with PostgreSQL where one can be had, and the official MCP clients
	.ci/with-services .ci/race-test ./...
	go test -count=1 -run TestAttacks ./internal/engine/expr # those with long texts, too

scenarios: ## recorded workflow runs: passes by family
	go test ./internal/engine -run TestScenarios -count=1 -v

fuzz: ## each fuzz target for a short while (FUZZTIME=30s)
	@set -e; for pkg in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
	  for target in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$pkg/*_test.go | sed 's/func //'); do \
	    echo "== $$pkg $$target"; go test ./$$pkg -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-30s}; done; done

clean: ## remove what was built
	rm -rf flowgate .cache dist
