// Package openapi tries docs/openapi.yaml from the other side: requests that are made of
// it alone, by chance or by a client that is built of it, go to the local stack.
package openapi

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/importer"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/spec"
	"customercare/shared/operation"
)

// Who calls here, of infra/demo.
const (
	operatorName, operatorPassword = "csr", "csr-demo-password"
	userName, userKey              = "john1970", "1959caadac9b13dcb3"
	appKey, appSecret              = "demo-app-key", "demo-app-secret"
	erasedNumber                   = "nobody's number"
)

// running is the stack that the tests share; nil before the first.
var running *stack.Stack

func TestMain(m *testing.M) {
	code := m.Run()
	if running != nil {
		running.Close()
	}
	os.Exit(code)
}

// world is the stack with the demo data, and what calls need.
type world struct {
	client.Client
	document       *spec.Document
	token, erasure string // an app's; the id of an erasure that it asked for
}

// start starts the stack once. Without DYNAMODB_ENDPOINT the test is skipped.
func start(t *testing.T) world {
	t.Helper()
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	w, err := started()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var started = sync.OnceValues(func() (w world, err error) {
	ctx, root := context.Background(), dynamotest.Root()
	binaries := filepath.Join(root, ".cache", "bin")
	if err := stack.Build(ctx, root, binaries); err != nil {
		return w, err
	}
	running, err = stack.Start(ctx, stack.Options{
		Root: root, Endpoint: os.Getenv("DYNAMODB_ENDPOINT"), BinDir: binaries,
		TablePrefix:   fmt.Sprintf("openapi-%d-", time.Now().UnixNano()),
		ScheduleEvery: time.Second,
		Parameters: map[string]string{
			"WriterLifetime": "1s", "ClockSkew": "100ms", "GuessLimit": "1000000",
			"ProvisionRate": "10000", "DeleteRate": "10000", "CleanRate": "10000", "TokenRate": "10000", "ReadRate": "10000",
			"ThrottleBurst": "5000",
		},
		IntegrationPeriod: 5 * time.Minute, // other packages' tests may take the whole machine
	})
	if err != nil {
		return w, err
	}
	for _, name := range []string{"users", "customers", "contacts", "principals"} {
		file, err := os.Open(filepath.Join(root, "infra", "demo", name+".ndjson"))
		if err != nil {
			return w, err
		}
		defer file.Close()
		to := importer.Options{
			Client: running.DynamoDB(), Tables: fixture.Tables(running.Table), Report: func(int, string) {},
		}
		if _, err := importer.Load(ctx, to, file); err != nil {
			return w, err
		}
	}
	if w.document, err = spec.Read(filepath.Join(root, "docs", "openapi.yaml")); err != nil {
		return w, err
	}
	w.Client = client.Client{Base: running.URL, HTTP: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if w.token, err = w.Token(ctx, appKey, appSecret, "X-Token-Expire: 3600"); err != nil {
		return w, err
	}
	answer, err := w.Send(ctx, client.CleanCustomerData(erasedNumber).Bearer(w.token))
	if err != nil {
		return w, err
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(answer.Header.Get("Link"), "<"), ">")
	prefix, _, _ := strings.Cut(operation.ReadErasure.Path, "{")
	w.erasure = strings.TrimPrefix(path, prefix)
	return w, w.sealed(ctx)
})

// sealed waits until the log has something of the erasure: from then on there is a
// receipt, a checkpoint and a key. What its status is before that fits the document, too.
func (w world) sealed(ctx context.Context) error {
	for {
		if answer, err := w.ask(ctx, client.Read(operation.ReadErasure, w.erasure).Bearer(w.token)); err != nil || answer.Status != http.StatusOK {
			return fmt.Errorf("no status: %s: %w", answer, err)
		}
		answer, err := w.ask(ctx, client.Read(operation.ReadReceipt, w.erasure).Bearer(w.token))
		if err != nil || answer.Status == http.StatusOK {
			return err
		}
		if answer.Header.Get("Retry-After") == "" {
			return fmt.Errorf("no receipt: %s", answer)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// ask makes a call. An answer that the document does not know is an error.
func (w world) ask(ctx context.Context, r client.Request) (client.Answer, error) {
	answer, err := w.Send(ctx, r)
	if err != nil {
		return answer, err
	}
	return answer, w.document.Check(spec.Answer{
		Method: r.Method, Path: r.Path, Status: answer.Status, Header: answer.Header, Body: answer.Body,
	})
}
