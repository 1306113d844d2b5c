# The same flags everywhere: small, static binaries, the same bytes wherever they are built.
# No client of ours speaks HTTP/2 (shared/environment), so no binary has it: 0.4 MB less of each.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc,nethttpomithttp2 -ldflags='-s -w'
# Where functions are built to, and a flag more, such as -ldflags= for binaries with symbols.
BUILT := .cache
BUILD_FLAGS :=
# What the functions run on, as the template's parameter Architecture says: arm64 or x86_64.
ARCHITECTURE ?= arm64
FOR_arm64 := GOARCH=arm64 GOARM64=v8.0
FOR_x86_64 := GOARCH=amd64 GOAMD64=v1
FOR_LAMBDA = GOOS=linux $(or $(FOR_$(ARCHITECTURE)),$(error ARCHITECTURE must be arm64 or x86_64, not $(ARCHITECTURE)))
# Pinned here and not in go.mod: nothing in the product imports it.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM := gotest.tools/gotestsum@v1.13.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
FUNCTIONS := $(patsubst functions/%/main.go,%,$(wildcard functions/*/main.go))
TOOLS := .cache/tools
CONFIG ?= default

.PHONY: help build package release deploy rehearse smoke customercare run invoke test chaos load bench bench-long docs verify outdated lint import fuzz restorable

## help: this list
# From the lines that begin with "## ": "## target: what it does", "##@ Group" before the targets of
# a group, and "##   NAME=value  meaning" for what a target takes.
help:
	@awk '/^##@ / { print (n++ ? "\n" : "") substr($$0, 5); next } \
	  /^## [a-z-]+:/ { name = $$2; sub(":", "", name); sub(/^## [a-z-]+: /, ""); printf "  make %-12s %s\n", name, $$0; next } \
	  /^##   / { printf "  %-17s %s\n", "", substr($$0, 6) }' $(firstword $(MAKEFILE_LIST))

##@ Build and deploy
## build: every function as it is deployed, .cache/lambda/<function>/bootstrap
##   ARCHITECTURE=x86_64             for a stack whose parameter Architecture says so
# One go command for all is several times as fast as one for each. It names binaries after their
# folders.
build:
	@mkdir -p $(BUILT)/lambda/.all
	@$(FOR_LAMBDA) $(GO_BUILD) $(BUILD_FLAGS) -o $(BUILT)/lambda/.all/ $(FUNCTIONS:%=./functions/%)
	@for f in $(FUNCTIONS); do \
	  mkdir -p $(BUILT)/lambda/$$f && ln -f $(BUILT)/lambda/.all/$$f $(BUILT)/lambda/$$f/bootstrap || exit 1; done
	@ls -l $(BUILT)/lambda/*/bootstrap | awk '{printf "%6.2f MB  %s\n", $$5/1e6, $$NF}'

# The hellos that infra/test/template holds the sizes of functions against, built as these are.
.PHONY: floors
floors:
	@mkdir -p $(BUILT)/floors
	@$(FOR_LAMBDA) $(GO_BUILD) $(BUILD_FLAGS) -o $(BUILT)/floors/ $(patsubst %/main.go,./%,$(wildcard infra/bench/floor/hello*/main.go))

## package: the same as zips for Lambda, .cache/lambda/<function>.zip
package: build
	@go build -o $(TOOLS)/build-lambda-zip github.com/aws/aws-lambda-go/cmd/build-lambda-zip
	@for f in $(FUNCTIONS); do \
	  $(TOOLS)/build-lambda-zip -output .cache/lambda/$$f.zip .cache/lambda/$$f/bootstrap || exit 1; done

## release: what a release is made of, with checksums and an SBOM, .cache/release/<version>
##   VERSION=1.2.3  what shared/version says that the source is (docs/upgrade.md)
##   ARCHITECTURE=x86_64             another one, .cache/release/<version>-x86_64
# The release's template names the zips, so it deploys without Go and without sam build, and takes
# no Architecture but theirs: sed changes that parameter's lines only, up to the next name that
# begins with another letter. The tool takes the version of the SBOM's subject from git, where
# there may be none, so awk writes it.
RELEASE = .cache/release/$(VERSION)$(if $(filter x86_64,$(ARCHITECTURE)),-x86_64)
PLATFORMS := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64
release:
	@is=$$(sed -n 's/^const Number = "\(.*\)"$$/\1/p' shared/version/version.go); test '$(VERSION)' = "$$is" || \
	  { echo "usage: make release VERSION=$$is: another number is first written into shared/version and CHANGELOG.md" >&2; exit 2; }
	@$(MAKE) --no-print-directory package
	@rm -rf '$(RELEASE)'; mkdir -p '$(RELEASE)/functions'
	@for f in $(FUNCTIONS); do cp .cache/lambda/$$f.zip '$(RELEASE)/functions/' || exit 1; done
	@sed -e 's,CodeUri: \(functions/[a-z-]*\)/$$,CodeUri: \1.zip,' \
	  -e '/^  Architecture:$$/,/^  [B-Z]/ s,Default: .*,Default: $(ARCHITECTURE),' \
	  -e '/^  Architecture:$$/,/^  [B-Z]/ s,AllowedValues: .*,AllowedValues: [$(ARCHITECTURE)],' template.yaml >'$(RELEASE)/template.yaml'
	@cp samconfig.toml LICENSE CHANGELOG.md '$(RELEASE)/'
	@for on in $(PLATFORMS); do \
	  export GOOS=$${on%-*} GOARCH=$${on#*-}; $(GO_BUILD) -o '$(RELEASE)'/customercare-$$on ./infra/cmd/customercare || exit 1; done
	@go run $(CYCLONEDX) mod -json -licenses -std -output '$(RELEASE)/sbom' . 2>'$(RELEASE)/said' || { cat '$(RELEASE)/said' >&2; exit 1; }
	@cd '$(RELEASE)' && awk '/^ *"name": "customercare",$$/ { print; print "      \"version\": \"$(VERSION)\","; named = 1; next } \
	  named && /"version":/ { named = 0; next } { named = 0; print }' sbom >sbom.cdx.json && rm sbom said
	@cd '$(RELEASE)' && sum=$$(command -v sha256sum || echo shasum -a 256) && find . -type f ! -name SHA256SUMS | sed 's,^\./,,' | \
	  LC_ALL=C sort | xargs $$sum >SHA256SUMS && cat SHA256SUMS

# What `sam build` calls for each function (BuildMethod: makefile), by its logical id.
build-DeleteCustomerInfoFunction: FOLDER = delete-customer-info
build-SetTemporaryAllowFunction: FOLDER = set-temporary-allow
build-ReadProvisionFunction: FOLDER = read-provision
build-UseTemporaryAllowFunction: FOLDER = use-temporary-allow
build-DeleteCustomerFunction: FOLDER = delete-customer
build-CleanCustomerDataFunction: FOLDER = clean-customer-data
build-IssueTokenFunction: FOLDER = issue-token
build-AuthorizeOperatorFunction: FOLDER = authorize-operator
build-AuthorizeAppFunction: FOLDER = authorize-app
build-ContinueErasureFunction: FOLDER = continue-erasure
build-CleanupFunction: FOLDER = cleanup
build-ApplyRetentionFunction: FOLDER = apply-retention
build-ReadErasuresFunction: FOLDER = read-erasures
build-PreviewErasuresFunction: FOLDER = preview-erasures
build-HoldErasuresFunction: FOLDER = hold-erasures
build-SealLedgerFunction: FOLDER = seal-ledger
build-%Function:
	$(FOR_LAMBDA) $(GO_BUILD) -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(FOLDER)

## deploy: build and deploy with SAM
##   CONFIG=prod    the other table of samconfig.toml;  CI=true  asks nothing
# The table alone says which Architecture: SAM tells the build rules no parameter. So
# parameter_overrides must be one text on one line, in quotes.
deploy:
	@command -v sam >/dev/null || { echo 'sam is missing: install the AWS SAM CLI' >&2; exit 1; }
	@grep -q '^\[$(CONFIG)\.' samconfig.toml || { echo 'samconfig.toml has no table $(CONFIG)' >&2; exit 1; }
	@! awk '/^\[/ {table = index($$0, "[$(CONFIG).deploy.") == 1} table && /^ *parameter_overrides/' samconfig.toml | grep -qv '"$$' || \
	  { echo 'samconfig.toml: parameter_overrides of $(CONFIG) must be one text on one line' >&2; exit 1; }
	architecture=$$(awk '/^\[/ {table = index($$0, "[$(CONFIG).deploy.") == 1} table && /^ *parameter_overrides/' samconfig.toml | \
	  sed -n 's/.*Architecture=[\"]*\([a-z0-9_]*\).*/\1/p'); \
	ARCHITECTURE=$${architecture:-arm64} sam build --config-env $(CONFIG)
	sam deploy --config-env $(CONFIG) $(if $(filter true,$(CI)),--no-confirm-changeset --no-fail-on-empty-changeset)

## rehearse: deploy into ministack, an emulator of AWS on this machine, make every call, delete
rehearse:
	@go build -o $(TOOLS)/rehearse ./infra/cmd/rehearse
	@exec $(TOOLS)/rehearse

## customercare: the command line for a stack's data, bin/customercare (it has --help)
customercare:
	@go build -ldflags "-X main.commit=$$(git describe --tags --always --dirty 2>/dev/null)" -o bin/customercare ./infra/cmd/customercare
	@if test '$(MAKECMDGOALS)' = customercare; then echo 'bin/customercare is built: bin/customercare --help'; fi

## smoke: every operation, with throw-away principals and customers; by default against "make run"
##   STACK=name     a deployed stack;  API_URL=https://... its other address
smoke: customercare
	@exec bin/customercare smoke

# "go run" would not pass SIGTERM on, so these build a command and become it.

##@ On this machine
## run: the whole stack on this machine, at http://127.0.0.1:3000 (docs/deploy.md has all settings)
##   PARAMETERS='WriterLifetime=2s ClockSkew=0s' SCHEDULE_EVERY=2s   an erasure ends within seconds
run:
	@go build -o $(TOOLS)/run ./infra/cmd/run
	@exec $(TOOLS)/run

## invoke: one function in Docker, by SAM, with its event of infra/events, beside "make run"
##   F=Cleanup      CleanupFunction;  EVENT=infra/events/x.json  another event of its
##   GATEWAY=10.88.0.1               this machine as a container sees it: podman has to be told
# SAM exits with 0 also after no answer or an error, so it is looked at. Docker runs functions that
# are built for another machine slowly or not at all. The tables of "make run" are in us-east-1.
GATEWAY ?= host-gateway
INVOKED = $(shell sed -n 's/^build-$(F)Function: FOLDER[ =]*//p' $(firstword $(MAKEFILE_LIST)))
invoke: ARCHITECTURE = $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
invoke:
	@test -n '$(INVOKED)' || { echo 'usage: make invoke F=Cleanup: a function of template.yaml, without the word Function' >&2; exit 2; }
	@command -v sam >/dev/null || { echo 'sam is missing: install the AWS SAM CLI' >&2; exit 1; }
	@mkdir -p .cache; export SAM_CLI_TELEMETRY=0 ARCHITECTURE=$(ARCHITECTURE); \
	built='--parameter-overrides Architecture=$(ARCHITECTURE) --region us-east-1'; \
	sam build $(F)Function --build-dir .cache/invoke/$(F) $$built >.cache/sam.log 2>&1 || { cat .cache/sam.log >&2; exit 1; }; \
	answer=$$(sam local invoke $(F)Function --template .cache/invoke/$(F)/template.yaml $$built \
	  --event '$(or $(EVENT),infra/events/$(INVOKED).json)' --env-vars infra/local/env.json \
	  --add-host host.docker.internal:$(GATEWAY)) || exit 1; \
	printf '%s\n' "$$answer"; \
	case $$answer in \
	'') echo '$(F)Function gave no answer' >&2; exit 1;; \
	*'"errorType":'*) echo '$(F)Function failed' >&2; exit 1;; esac

## import: load records, by default into "make run" (docs/data.md has the formats)
##   FILE=x.ndjson  from line FROM=n;  STACK=name  into a deployed stack
import: customercare
	@test -n "$(FILE)" || { echo 'usage: make import FILE=x.ndjson' >&2; exit 2; }
	@exec bin/customercare import $(if $(FROM),--from $(FROM)) "$(FILE)"

## restorable: print what may come back from a table restored from a backup, as records for import
##   TABLE=restored SINCE=2026-01-02T03:04:05Z  the table, and its time;  STACK=name  whose ledger
restorable: customercare
	@test -n "$(TABLE)" -a -n "$(SINCE)" || { echo 'usage: make -s restorable TABLE=restored SINCE=time >x.ndjson' >&2; exit 2; }
	@exec bin/customercare restorable --table "$(TABLE)" --since "$(SINCE)"

##@ Tests and figures
## test: every test, unit and end to end, on a DynamoDB engine of its own
##   PACKAGES=./shared/store         these packages only
##   ENGINE=dynamodb-local           AWS's own emulator;  DYNAMODB_ENDPOINT=http://... any other engine
##   FLAGS=-short                    fewer random states, a fifth of the moments at which a call fails
# -count=1: go test would repeat the end-to-end tests' last result though a function has
# changed. They run the functions as built binaries, which it does not see. The packages that
# take longest come first.
PACKAGES ?= ./shared/erasure ./infra/test/e2e ./...
test:
	@go build -o $(TOOLS)/withengine ./infra/cmd/withengine
	@test -x $(TOOLS)/$(GOTESTSUM) || GOBIN='$(CURDIR)/$(TOOLS)/$(GOTESTSUM)' go install $(GOTESTSUM)
	@exec $(TOOLS)/withengine $(TOOLS)/$(GOTESTSUM)/gotestsum --format pkgname --format-hide-empty-pkg --jsonfile .cache/test.json \
	  --post-run-command 'sh -c "echo $$((TESTS_TOTAL - TESTS_FAILED - TESTS_SKIPPED)) passed, $$TESTS_FAILED failed, $$TESTS_SKIPPED skipped"' \
	  -- -count=1 -timeout 30m $(FLAGS) $(PACKAGES)

## chaos: the long part: many kills of the whole stack, many interleavings; prints its figures
chaos:
	@go build -o $(TOOLS)/withengine ./infra/cmd/withengine
	@CHAOS_ROUNDS=$${CHAOS_ROUNDS:-20} CHAOS_CHECKS=$${CHAOS_CHECKS:-300} \
	SCALE_TRANSACTIONS=$${SCALE_TRANSACTIONS:-1000000} SCALE_CONTACTS=$${SCALE_CONTACTS:-100} SCALE_CALLS=$${SCALE_CALLS:-200} exec $(TOOLS)/withengine \
	go test -count=1 -timeout 40m -v -run 'Kills|Interleavings|SkewedSweeps|Million|Thousand|Storm|Memory|RandomRequests' ./infra/test/chaos ./infra/test/openapi ./shared/erasure ./functions/cleanup ./functions/apply-retention ./infra/restore ./infra/cmd/customercare

## fuzz: every fuzz target, 20 s each; what fails lands in testdata/fuzz, and "make test" tries it
##   FUZZTIME=5m    for so long each;  ONLY='part part'  targets whose package and name hold the parts
fuzz:
	@FUZZTIME=$(or $(FUZZTIME),20s) ONLY='$(ONLY)' \
	exec go test -count=1 -timeout 0 -v -run '^TestFuzz$$' ./infra/test/fuzz

## load: a minute of all operations at LOAD_RATE a second, at three times that, and again
load:
	@LOAD_RATE=$${LOAD_RATE:-40} LOAD_SECONDS=$${LOAD_SECONDS:-60} \
	exec go test -count=1 -timeout 30m -v -run '^TestLoad$$' ./infra/test/load

## bench: ours beside what is possible; prints the tables, writes docs/performance.md and the README's table
##   BENCH_ONLY=warm,clients    measures these tables only, and writes nothing but with BENCH_WRITE=1
bench:
	@mkdir -p .cache; BENCH=1 exec go test -count=1 -timeout 20m -v -run '^TestBench$$' ./infra/test/bench

## bench-long: the same for the tables that take longer
##   BENCH_BULK=5000    so many customers in a file;  BENCH_STATEMENTS, BENCH_LEAVES, BENCH_PREVIEWED
bench-long:
	@mkdir -p .cache; BENCH=long exec go test -count=1 -timeout 100m -v -run '^TestBench$$' ./infra/test/bench

## docs: the page of all calls, for your own site; of docs/openapi.yaml its 3.0 twin and docs/postman.json
##   DIR=folder      where the page goes (.cache/docs);  SERVER=https://...  the API that it tries
docs:
	@UPDATE=1 go test -count=1 -run '^Test(Twin|Collection)$$' ./infra/openapi
	@go run ./infra/cmd/docs '$(or $(DIR),.cache/docs)' $(SERVER)

##@ Before a change is merged
## verify: modules are what go.sum says, and none that is called has a known vulnerability
# Exit code 3 is a finding. If the database of vulnerabilities cannot be reached, that is
# said, and it is no failure.
verify:
	go mod verify
	@mkdir -p .cache; go run $(GOVULNCHECK) ./... >.cache/govulncheck.log 2>&1; found=$$?; \
	if grep -q 'fetching vulnerabilities' .cache/govulncheck.log; then \
	  echo 'the vulnerability database cannot be reached from here: known vulnerabilities were not looked for'; \
	else cat .cache/govulncheck.log; exit $$found; fi

## outdated: direct modules, pinned tools and engines that have a newer release
# It only reports, so it ends with 0 also where the module proxy or npm cannot be reached.
outdated:
	@modules=$$(go list -m -f '{{if not (or .Main .Indirect)}}{{.Path}}{{end}}' all); \
	go list -m -u -e -f '{{if .Update}}{{.Path}} {{.Version}} -> {{.Update.Version}}{{end}}' $$modules || true
	@newer() { test "$$2" = "$$3" || echo "$$1 $$2 -> $${3:-not known: nothing could be looked up}"; }; \
	for tool in $(STATICCHECK) $(GOTESTSUM) $(GOVULNCHECK) $(CYCLONEDX); do \
	  module=$$(echo $${tool%@*} | sed 's,/cmd/.*,,'); \
	  newer "$$module" "$${tool#*@}" "$$(go list -m -f '{{.Version}}' $$module@latest 2>/dev/null)"; done; \
	sed -n 's/.*name: "\([^"]*\)", version: \([^,]*\),.*/\1 \2/p' infra/local/engine/*.go | while read -r package pin; do \
	  case $$pin in '"'*) pin=$$(echo $$pin | tr -d '"');; *) pin=$$(sed -n "s/.*$$pin *= *\"\(.*\)\".*/\1/p" infra/local/engine/*.go);; esac; \
	  newer "$$package" "$$pin" "$$(npm view $$package version 2>/dev/null)"; done; true

## lint: formatting, go.mod, vet, staticcheck, and the template where cfn-lint, checkov and SAM are
lint:
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	test -z "$$unformatted" || { echo "not formatted with gofmt: $$unformatted" >&2; exit 1; }
	go mod tidy -diff
	go vet ./...
	go run $(STATICCHECK) ./...
	@if command -v cfn-lint >/dev/null; then echo cfn-lint template.yaml; cfn-lint template.yaml; \
	else echo 'cfn-lint is not installed: template.yaml was not linted (pip install cfn-lint)'; fi
	@if command -v checkov >/dev/null; then echo checkov template.yaml; checkov --config-file .checkov.yaml --file template.yaml; \
	else echo 'checkov is not installed: template.yaml was not held against its rules (pipx install checkov)'; fi
	@if command -v sam >/dev/null; then \
	  export SAM_CLI_TELEMETRY=0; sam validate --lint --region us-east-1 || exit 1; \
	  sam build --build-dir .cache/sam >.cache/sam.log 2>&1 || { cat .cache/sam.log >&2; exit 1; }; \
	else echo 'sam is not installed: nothing was validated or built with it'; fi
