package local

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"customercare/infra/testkit/freeport"
)

// The first call that is answered at all, by a client that tries from the beginning, is
// answered right: those who may ask are there before anything listens.
func TestFirstAnswerIsRight(t *testing.T) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	ctx, end := context.WithCancel(t.Context())
	ports := freeport.Take(t, 3)
	s, err := readSettings(map[string]string{
		"PORT": ports[0], "SECRETS_PORT": ports[1], "KMS_PORT": ports[2], "DYNAMODB_ENDPOINT": endpoint, "SCHEDULE_EVERY": "1h",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.tablePrefix = fmt.Sprintf("local-%d-", time.Now().UnixNano())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, s, newConsole(s, os.Stdout, os.Stderr), os.Stdout) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	call, err := http.NewRequest(http.MethodDelete,
		"http://127.0.0.1:"+ports[0]+"/customercare/v1/demo-user/provision?cancelAllTemporaryAllows=true", nil)
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
