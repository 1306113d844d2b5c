package deployment

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
)

// Explain makes a sentence of the error of a call to AWS: what names the thing that was
// asked for, for example "the table Erasures". The SDK's own words stay out of it,
// because they may quote keys. A context that ended is its own error.
func Explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	refusal, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		return fmt.Errorf("%s cannot be reached: no answer came, or none that can be read", what)
	case refusal.ErrorCode() == "ResourceNotFoundException":
		return fmt.Errorf("%s is not there", what)
	case strings.Contains(refusal.ErrorCode(), "AccessDenied"):
		return fmt.Errorf("%s is closed to these credentials (%s):"+
			" grant them what the command does, or use others (AWS_PROFILE)",
			what, refusal.ErrorCode())
	}
	return fmt.Errorf("%s gave no result: %s", what, refusal.ErrorCode())
}
