package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/erasure"
	"customercare/shared/invocation"
	"customercare/shared/store"
)

// handler is the function: the ledger's stream starts it with records that each name a
// job.
type handler struct{ worker erasure.Worker }

// handle works on the job that each record names, until the invocation's deadline comes
// near. A job that could not be worked on keeps none behind it from being worked on. The
// first such record is reported, so that Lambda sends it again with all those behind it
// (ReportBatchItemFailures): a job that is done by then costs one call. Cleanup takes
// such jobs up in any case.
func (h handler) handle(
	ctx context.Context, event events.DynamoDBEvent,
) (events.DynamoDBEventResponse, error) {
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	answer := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	var failures []error
	for _, record := range event.Records {
		id, ok := record.Change.Keys["erasureId"]
		if !ok || id.DataType() != events.DataTypeString {
			slog.Error("a stream record without erasureId")
			continue
		}
		err := h.worker.Continue(ctx, store.JobOf(id.String()))
		if err == nil {
			continue
		}
		if failures = append(failures, err); len(failures) == 1 {
			answer.BatchItemFailures = append(answer.BatchItemFailures,
				events.DynamoDBBatchItemFailure{ItemIdentifier: record.Change.SequenceNumber})
		}
	}
	if len(failures) > 0 {
		slog.Error("failed", "operation", "continue-erasure", "cause", errors.Join(failures...).Error())
	}
	return answer, nil
}
