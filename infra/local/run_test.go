package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// freePort is a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// The first call that is answered at all, by a client that tries from the beginning, is answered right: those who may ask
// are there before anything listens.
func TestFirstAnswerIsRight(t *testing.T) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	ctx, end := context.WithCancel(t.Context())
	s := settings{
		port: freePort(t), secretsPort: freePort(t), endpoint: endpoint, tablePrefix: fmt.Sprintf("local-%d-", time.Now().UnixNano()),
		credentials: aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, scheduleEvery: time.Hour,
	}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, s) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	call, err := http.NewRequest(http.MethodDelete, fmt.Sprintf("http://127.0.0.1:%d/customercare/v1/demo-user/provision?cancelAllTemporaryAllows=true", s.port), nil)
	if err != nil {
		t.Fatal(err)
	}
	call.SetBasicAuth("csr", "csr-demo-password")
	for {
		select {
		case err := <-ended:
			ended <- nil
			t.Fatalf("it ended: %v", err)
		default:
		}
		answer, err := http.DefaultClient.Do(call)
		if err != nil { // nobody listens yet
			time.Sleep(time.Millisecond)
			continue
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("the first answer is %d", answer.StatusCode)
		}
		return
	}
}
