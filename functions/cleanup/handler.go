package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/erasure"
	"customercare/shared/store"
)

// cleaner is one kind of worker; each run goes on where others stopped and holds no state of its own.
type cleaner struct {
	engine   erasure.Engine
	users    store.Users
	segments int32 // of the users table, one a minute
	now      func() time.Time
}

// handle is one run. An error makes Lambda try the event again; the next minute's run would do as well.
func (c cleaner) handle(ctx context.Context, _ events.EventBridgeEvent) error {
	taken, err := c.engine.Due(ctx)
	now := c.now()
	segment := int32(now.Unix() / 60 % int64(c.segments))
	removed, sweepErr := c.users.SweepTempAllows(ctx, segment, c.segments, now)
	slog.Info("cleaned up", "operation", "cleanup", "erasures", taken, "expiredAllows", removed)
	return errors.Join(err, sweepErr)
}
