# The same flags everywhere, and what SAM builds with: small, reproducible, static binaries.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -tags lambda.norpc -ldflags='-s -w'
# Pinned here and not in go.mod: nothing in the product imports it.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUNCTIONS := $(patsubst functions/%/main.go,%,$(wildcard functions/*/main.go))
TOOLS := .cache/tools

.PHONY: build run test chaos lint import

## build: every function, for this machine, into .cache/bin
build: $(FUNCTIONS:%=build-%)
build-%:
	$(GO_BUILD) -o .cache/bin/$*/bootstrap ./functions/$*

# "go run" would not pass SIGTERM on, so these build a command and become it.

## run: the whole stack on this machine, at http://127.0.0.1:3000
run:
	@go build -o $(TOOLS)/local ./infra/local
	@exec $(TOOLS)/local

## test: everything, on a DynamoDB Local of its own or on DYNAMODB_ENDPOINT
# -count=1: go test would repeat the end-to-end tests' last result though a function has changed, because they run the
# functions as built binaries, which it does not see.
test:
	@go build -o $(TOOLS)/withdynamodb ./infra/withdynamodb
	@exec $(TOOLS)/withdynamodb go test -count=1 ./...

## chaos: the long part: many kills of the whole stack, many random interleavings; prints its figures
chaos:
	@go build -o $(TOOLS)/withdynamodb ./infra/withdynamodb
	@CHAOS_ROUNDS=$${CHAOS_ROUNDS:-20} CHAOS_CHECKS=$${CHAOS_CHECKS:-300} \
	SCALE_TRANSACTIONS=$${SCALE_TRANSACTIONS:-1000000} SCALE_CONTACTS=$${SCALE_CONTACTS:-100} SCALE_CALLS=$${SCALE_CALLS:-200} exec $(TOOLS)/withdynamodb \
	go test -count=1 -timeout 40m -v -run 'Kills|Interleavings|Million|Thousand|Storm' ./infra/chaos ./shared/erasure

## import: load records (FILE=x.ndjson, from line FROM=n) into DYNAMODB_ENDPOINT, by default the one of "make run"
import:
	@test -n "$(FILE)" || { echo 'usage: make import FILE=x.ndjson' >&2; exit 2; }
	@go build -o $(TOOLS)/import ./infra/import
	@exec $(TOOLS)/import $(if $(FROM),-from $(FROM)) "$(FILE)"

## lint: formatting, vet, staticcheck, and the template where cfn-lint is installed
lint:
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	test -z "$$unformatted" || { echo "not formatted with gofmt: $$unformatted" >&2; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	@if command -v cfn-lint >/dev/null; then echo cfn-lint template.yaml; cfn-lint template.yaml; \
	else echo 'cfn-lint is not installed: template.yaml was not linted (pip install cfn-lint)'; fi
