package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// What DynamoDB refused will not be done; of anything else nobody knows.
func TestNotDone(t *testing.T) {
	answered := func(status int, err error) error {
		response := &smithyhttp.Response{Response: &http.Response{StatusCode: status}}
		return &smithy.OperationError{
			ServiceID: "DynamoDB", OperationName: "BatchWriteItem",
			Err: &smithyhttp.ResponseError{Response: response, Err: err},
		}
	}
	code := func(code string) error { return &smithy.GenericAPIError{Code: code} }
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"throttled", answered(400, &types.ProvisionedThroughputExceededException{}), true},
		{"cancelled", answered(400, &types.TransactionCanceledException{}), true},
		{"not allowed", answered(400, code("AccessDeniedException")), true},
		{"still in progress", answered(400, &types.TransactionInProgressException{}), false},
		{"a failure of its own", answered(500, &types.InternalServerError{}), false},
		{"busy", answered(503, code("ServiceUnavailable")), false},
		{"a proxy's page", answered(407, code("UnknownError")), false},
		{"an answer that is none", answered(400, errors.New("cannot be read")), false},
		{"no connection", &smithy.OperationError{Err: &smithyhttp.RequestSendError{Err: errors.New("reset")}}, false},
		{"no time", context.DeadlineExceeded, false},
		{"a code without an answer", code("ThrottlingException"), false},
	} {
		if got := notDone(c.err); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// No deletion begins when its time is up or a part of its work has ended; one that has
// begun lasts as long as the whole.
func TestDeletionsEnd(t *testing.T) {
	now := time.Unix(1000, 0)
	whole, end := context.WithCancel(t.Context())
	defer end()
	work, stop := context.WithCancel(DeleteUntil(whole, func() time.Time { return now }, now.Add(time.Minute)))
	calls, err := deletion(work)
	if err != nil || ended(work) {
		t.Fatal(err)
	}
	stop()
	if calls.Err() != nil || !ended(work) {
		t.Errorf("a part has ended: %v, %v", calls.Err(), ended(work))
	}
	work = DeleteUntil(whole, func() time.Time { return now }, now)
	if _, err := deletion(work); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("its time is up: %v", err)
	}
	end()
	if calls.Err() == nil || !ended(whole) {
		t.Error("the whole has ended")
	}
	if _, err := deletion(context.Background()); err != nil {
		t.Errorf("without a rule: %v", err)
	}
}

func ExampleRequestOf() {
	const id = "20261127T040113Z-e2e5dcfd57516e09"
	fmt.Println(RequestOf(id), RequestOf(NewIDFor(RequestOf(id), time.Now())))
	// Output: dcfd57516e09 dcfd57516e09
}
