package dynamotest

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"customercare/shared/store"
)

// prompt retries as the functions do, but without a pause where nothing would change
// meanwhile. That is so after what Faults did, and after a race, because a test makes one
// with a call that is over. After what DynamoDB itself refuses there is the usual pause.
type prompt struct{ aws.Retryer }

func (p prompt) RetryDelay(attempt int, err error) (time.Duration, error) {
	if err == nil || errors.Is(err, store.ErrRaced) || injected(err) {
		return 0, nil
	}
	return p.Retryer.RetryDelay(attempt, err)
}

// injected says whether an error is one that Faults made up.
func injected(err error) bool {
	if _, ok := errors.AsType[injectedError](err); ok {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && answer.Response != nil && answer.Response.Header.Get(injectedHeader) != ""
}
