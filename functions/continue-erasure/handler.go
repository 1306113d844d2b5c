package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/erasure"
	"customercare/shared/invocation"
	"customercare/shared/store"
)

type worker struct{ engine erasure.Engine }

// handle works on the job that each record names, until the invocation's deadline comes near. A record whose job could
// not be worked on is reported and comes again; the job is cleanup's in any case.
func (w worker) handle(ctx context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	answer := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	for _, record := range event.Records {
		id, ok := record.Change.Keys["erasureId"]
		if !ok || id.DataType() != events.DataTypeString {
			slog.Error("a stream record without erasureId")
			continue
		}
		if err := w.engine.Continue(ctx, store.HandedOn(id.String())); err != nil {
			slog.Error("failed", "operation", "continue-erasure", "cause", err.Error())
			answer.BatchItemFailures = append(answer.BatchItemFailures,
				events.DynamoDBBatchItemFailure{ItemIdentifier: record.Change.SequenceNumber})
			// Records behind a reported one come again with it (ReportBatchItemFailures).
			break
		}
	}
	return answer, nil
}
