package secret

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
)

// Where Secrets Manager never answers, a start ends with an error after five seconds, and
// a caller for whom the secret is read again waits for one.
func TestTheSecretIsNotWaitedFor(t *testing.T) {
	hangs := middleware.InitializeMiddlewareFunc("hangs", func(
		ctx context.Context, _ middleware.InitializeInput, _ middleware.InitializeHandler,
	) (out middleware.InitializeOutput, metadata middleware.Metadata, err error) {
		<-ctx.Done()
		return out, metadata, ctx.Err()
	})
	config := aws.Config{Region: "us-east-1", APIOptions: []func(*middleware.Stack) error{
		func(stack *middleware.Stack) error { return stack.Initialize.Add(hangs, middleware.Before) },
	}}
	synctest.Test(t, func(t *testing.T) { // no time passes but what is waited for
		keys, began := DigestKeys{Secret: "K", Current: "1"}, time.Now()
		if read, err := keys.Read(config); err == nil || len(read.ByID) > 0 || time.Since(began) != 5*time.Second {
			t.Errorf("%+v, %v after %s", read.ByID, err, time.Since(began))
		}
		began = time.Now()
		all, err := keys.again(keys.client(config))(t.Context())
		if err == nil || len(all) > 0 || time.Since(began) != time.Second {
			t.Errorf("again: %v, %v after %s", all, err, time.Since(began))
		}
	})
}
