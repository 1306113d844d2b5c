package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/erasure"
)

type cleaner struct{ engine erasure.Engine }

// handle is one run. An error makes Lambda try the event again; the next minute's run would do as well.
func (c cleaner) handle(ctx context.Context, _ events.EventBridgeEvent) error {
	taken, err := c.engine.Due(ctx)
	slog.Info("cleaned up", "operation", "cleanup", "erasures", taken)
	return err
}
