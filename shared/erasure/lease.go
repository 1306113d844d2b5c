package erasure

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// keep renews the lease until stop is called. The context it returns ends when another worker has the job, or may have it
// because the lease could not be renewed in time: deletions carry no fence, so the worker must stop by itself.
func (e Engine) keep(ctx context.Context, job *store.Job) (working context.Context, stop func()) {
	working, lost := context.WithCancelCause(ctx)
	renewing, cancel := context.WithCancel(working)
	done := make(chan struct{})
	held := store.Job{Key: job.Key, ID: job.ID, Fence: job.Fence} // the worker changes the rest meanwhile
	due := make(chan struct{}, 1)
	again := func() (stop func() bool) {
		return e.after(max(e.Lease/3, 10*time.Millisecond), func() { due <- struct{}{} })
	}
	confirmed, cancelTick := e.Now(), again() // the lease runs from here on, whenever the goroutine begins
	go func() {
		defer close(done)
		defer func() { cancelTick() }()
		for {
			select {
			case <-renewing.Done():
				return
			case <-due:
				began := e.Now()
				cancelTick = again()
				err := e.renew(renewing, &held)
				switch {
				case err == nil:
					confirmed = began
				case errors.Is(err, store.ErrHeld), e.Now().Sub(confirmed) > e.Lease:
					lost(store.ErrHeld)
				case renewing.Err() == nil:
					slog.Warn("lease not renewed", "cause", err.Error())
				}
			}
		}
	}()
	return working, func() {
		cancel()
		<-done
		lost(nil) // what the context holds is let go of; the drain is over
	}
}

func (e Engine) renew(ctx context.Context, held *store.Job) (err error) {
	defer invocation.Recover("erasure: renew", &err)
	return e.Ledger.Renew(ctx, held, e.Now().Add(e.Lease+e.ClockSkew))
}
