// Package clients tests what docs/clients.md gives to integrators, as they would use it:
// each program of the page is run as it stands, and each request of docs/postman.json is
// sent, against one stack with the demo data.
package clients

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/fixture"
	"customercare/infra/importer"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// The stack that all tests of this package share, with the demo data in it.
var (
	running  *stack.Stack
	database *dynamodb.Client
)

func TestMain(m *testing.M) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		fmt.Println("skipped: the clients need a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
		return
	}
	code, err := run(m, endpoint)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, endpoint string) (int, error) {
	ctx, root := context.Background(), dynamotest.Root()
	binaries := filepath.Join(root, ".cache", "bin")
	if err := stack.Build(ctx, root, binaries); err != nil {
		return 1, err
	}
	var err error
	running, err = stack.Start(ctx, stack.Options{
		Root: root, Endpoint: endpoint, BinDir: binaries, TablePrefix: fmt.Sprintf("clients-%d-", time.Now().UnixNano()),
		Secrets:       map[string]string{"DigestKeys": `{"1":"digest-key-of-the-tests-of-clients-0123456789"}`},
		ScheduleEvery: time.Second, IntegrationPeriod: generous,
		// Erasures end while the clients wait for it, which ask more often than others.
		Parameters: map[string]string{"WriterLifetime": "1s", "ClockSkew": "0s", "ReadRate": "1000", "GuessLimit": "1000"},
	})
	if err != nil {
		return 1, err
	}
	defer running.Close()
	database = dynamotest.Client(endpoint)
	for _, name := range []string{"users", "customers", "contacts", "principals"} {
		text, err := os.ReadFile(filepath.Join(root, "infra", "demo", name+".ndjson"))
		if err == nil {
			err = load(ctx, string(text))
		}
		if err != nil {
			return 1, err
		}
	}
	return m.Run(), nil
}

// load imports records, one JSON object a line.
func load(ctx context.Context, records string) error {
	var refused error
	_, err := importer.Load(ctx, importer.Options{
		Client: database, Tables: fixture.Tables(running.Table),
		Report: func(line int, sentence string) { refused = fmt.Errorf("record %d: %s", line, sentence) },
	}, strings.NewReader(records))
	if err != nil {
		return err
	}
	return refused
}

// generous is longer than anything takes that happens at all.
const generous = 5 * time.Minute
