package metric

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Outcome is how a call ended. The zero Outcome is Failed: a call that comes to no other
// end, because of a panic, counts as ours.
type Outcome int

const (
	Failed    Outcome = iota // for a cause of ours
	Served                   //
	Faulty                   // for a cause that the caller has to mend
	Refused                  // Faulty, because of who calls
	LockedOut                // Faulty, because too many attempts have failed before
)

// CallLine is the one log line of one call, which is also the call's metrics. It names
// nobody.
type CallLine struct {
	Operation    string // one of operation.Functions
	Began        time.Time
	Outcome      Outcome
	Status       int    // of the HTTP answer; 0 where there is none
	APIRequestID string // API Gateway's name for the request, "" when unknown
}

// The metrics that a line declares, by its outcome.
var (
	ofEach    = []Metric{Calls, CallerErrors, ServiceErrors, Latency}
	ofRefused = []Metric{Calls, CallerErrors, ServiceErrors, Latency, CallersRefused}
	ofLocked  = []Metric{Calls, CallerErrors, ServiceErrors, Latency, CallersLockedOut}
)

// Log writes the line. It is called once a call, when the answer is made.
func (c CallLine) Log(ctx context.Context) {
	now := time.Now()
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String(Operation, c.Operation))
	if c.Status != 0 {
		attrs = append(attrs, slog.Int("status", c.Status))
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		attrs = append(attrs, slog.String("requestId", lc.AwsRequestID))
	}
	if c.APIRequestID != "" {
		attrs = append(attrs, slog.String("apiRequestId", c.APIRequestID))
	}
	attrs = append(attrs,
		slog.Int(Calls.Name, 1),
		slog.Int(CallerErrors.Name, one(c.Outcome == Faulty || c.Outcome == Refused || c.Outcome == LockedOut)),
		slog.Int(ServiceErrors.Name, one(c.Outcome == Failed)),
		slog.Float64(Latency.Name, float64(now.Sub(c.Began).Microseconds())/1000),
	)
	declared := ofEach
	switch c.Outcome {
	case Refused:
		attrs, declared = append(attrs, slog.Int(CallersRefused.Name, 1)), ofRefused
	case LockedOut:
		attrs, declared = append(attrs, slog.Int(CallersLockedOut.Name, 1)), ofLocked
	}
	attrs = append(attrs, slog.Any("_aws", declaration(now, declared)))
	slog.LogAttrs(ctx, slog.LevelInfo, "answered", attrs...)
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
