// Package audit writes who has called an operation, about whom, and what came of it: one
// line in the log for each call of an authenticated caller. Package gateway writes it
// when the answer is made, whatever the answer is, so that no answer leaves a function
// without it.
//
// The line names the caller, and never a data subject: of those it has the keyed digests
// of package digest. So it can be asked "who did this to that user", and gives nothing to
// somebody who reads it.
package audit

import (
	"context"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"customercare/shared/metric"
)

// Message is the text of each line, by which it is found.
const Message = "audit"

// Line is one call. The gateway fills what it knows, and the handler notes the rest as
// soon as it knows it.
type Line struct {
	Operation string
	// Principal is the caller's name; "" as long as nobody is authenticated, and then
	// there is no line.
	Principal string
	Kind      string // of the caller: operation.Operator, APIUser or App
	// Did is what the call asked for, as if it were done; Outcome says whether it is. ""
	// where the request was refused before that could be read.
	Did          string
	Outcome      metric.Outcome
	Status       int    // of the answer
	APIRequestID string // API Gateway's name of the request
	Erasure      string // the erasure's id, "" without one
	Note         Note   // what the caller said of the call

	digests []string
}

// Subject notes whom the call is about: the identifier as the caller gave it, and its
// digest under the current key. A reason or a ticket that has the identifier in it is
// left out of the line from then on.
func (l *Line) Subject(identifier, digest string) {
	l.digests = append(l.digests, digest)
	l.Note.forget(identifier)
}

// Digests are those that Subject was told, in order.
func (l *Line) Digests() []string { return l.digests }

// outcomes are the words for how a call ended.
var outcomes = map[metric.Outcome]string{
	metric.Served:    "served",
	metric.Faulty:    "faulty",  // the caller has to mend the request
	metric.Refused:   "refused", // because of who called
	metric.LockedOut: "refused",
	metric.Failed:    "failed", // a cause of ours
}

// Log writes the line, and none where nobody is authenticated. It is called once a call.
func (l *Line) Log(ctx context.Context) {
	if l.Principal == "" {
		return
	}
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs, slog.String("operation", l.Operation),
		slog.String("principal", l.Principal), slog.String("kind", l.Kind))
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	add("did", l.Did)
	attrs = append(attrs, slog.Int("subjects", len(l.digests)))
	add("subject", strings.Join(l.digests, " "))
	attrs = append(attrs, slog.String("outcome", outcomes[l.Outcome]), slog.Int("status", l.Status))
	add("apiRequestId", l.APIRequestID)
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		add("requestId", lc.AwsRequestID)
	}
	add("erasure", l.Erasure)
	reason, omitted := l.Note.whole()
	add("reason", reason)
	add("ticket", l.Note.ticket)
	add("omitted", omitted)
	slog.LogAttrs(ctx, slog.LevelInfo, Message, attrs...)
}
