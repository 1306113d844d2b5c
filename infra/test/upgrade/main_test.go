// Package upgrade tests that this version reads what the releases before it have stored:
// testdata has a folder for each that is supported, with the items that it has written.
package upgrade

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/client"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
)

// binaries is where the functions are built.
var binaries = filepath.Join(dynamotest.Root(), ".cache", "bin")

func TestMain(m *testing.M) {
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		fmt.Println("skipped: these tests need a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
		return
	}
	if err := stack.Build(context.Background(), dynamotest.Root(), binaries); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// aStack is a stack of this package, and its log.
type aStack struct {
	*stack.Stack
	t   *testing.T
	api client.Client
	log *metrictest.Log
}

// Times of a stack: in the first writers end at once and what is erased is soon over, in
// the second nothing ends while a test runs. In the third nothing ends while items are
// made, and they are soon due for whoever tests with them.
var (
	quick  = map[string]string{"WriterLifetime": "1s", "ClockSkew": "100ms"}
	slow   = map[string]string{"WriterLifetime": "30m", "ClockSkew": "1m"}
	aWhile = map[string]string{"WriterLifetime": "40s", "ClockSkew": "1s"}
)

// started is a stack on the tables with this prefix, which has the keys that all kept
// items were made with. before is called when the tables are there and nothing else is.
func started(t *testing.T, prefix string, times map[string]string, before func(*stack.Stack)) aStack {
	t.Helper()
	log := new(metrictest.Log)
	parameters := map[string]string{
		"ProvisionRate": "10000", "DeleteRate": "10000", "CleanRate": "10000", "TokenRate": "10000", "ReadRate": "10000",
		"ThrottleBurst": "5000",
	}
	maps.Copy(parameters, times)
	s, err := stack.Prepare(t.Context(), stack.Options{
		Root: dynamotest.Root(), Endpoint: os.Getenv("DYNAMODB_ENDPOINT"), BinDir: binaries, TablePrefix: prefix,
		Log: log, ScheduleEvery: 300 * time.Millisecond, Parameters: parameters, KeysDir: keysDir(t),
		Secrets:           map[string]string{"DigestKeys": `{"1":"a-key-of-kept-items-that-is-no-secret-0123456789"}`},
		IntegrationPeriod: generous,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if before != nil {
		before(s)
	}
	if err := s.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	return aStack{s, t, client.Client{Base: s.URL}, log}
}

// dropped lets the tables of a stack go when the test ends.
func dropped(t *testing.T, s *stack.Stack) {
	t.Cleanup(func() {
		db := dynamotest.Client(os.Getenv("DYNAMODB_ENDPOINT"))
		for _, table := range s.Template.Tables {
			_, _ = db.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table.Name})
		}
	})
}

// keysDir is a folder with the key that signs the log, always the same one, in the form
// in which the local KMS keeps it. It is made here, so that no file with a private key
// lies in the repository.
func keysDir(t *testing.T) string {
	t.Helper()
	seed := sha256.Sum256([]byte("the key of the kept log, which is no secret"))
	key := ed25519.NewKeyFromSeed(seed[:])
	private, err := x509.MarshalPKCS8PrivateKey(key)
	public, publicErr := x509.MarshalPKIXPublicKey(key.Public())
	folder := t.TempDir()
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})...)
	written := os.WriteFile(filepath.Join(folder, "LedgerKey.pem"), text, 0o600)
	if err := errors.Join(err, publicErr, written); err != nil {
		t.Fatal(err)
	}
	return folder
}

// send sends a request that must be answered with this status.
func (s aStack) send(status int, r client.Request) client.Answer {
	s.t.Helper()
	answer, err := s.api.Send(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.Status != status {
		s.t.Errorf("%s %s: %s, want %d", r.Method, r.Path, answer, status)
	}
	return answer
}

// generous is longer than anything takes that happens at all.
const generous = 5 * time.Minute

// eventually waits for what the background does.
func (s aStack) eventually(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(generous); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if done() {
			return
		}
	}
	s.t.Fatalf("did not happen within %s: %s", generous, what)
}
