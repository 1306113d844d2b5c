package erasure

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// keepLease renews the job's lease until the caller calls stop. The context that it
// returns ends when another worker has the job; also when another may have it, because
// the lease could not be renewed in time. The caller works within that context:
// deletions do not ask who holds the lease, so a worker must stop by itself.
func (w Worker) keepLease(
	ctx context.Context, job *store.Job,
) (working context.Context, stop func()) {
	working, lost := context.WithCancelCause(ctx)
	renewing, cancel := context.WithCancel(working)
	done := make(chan struct{})
	// What Renew needs of the job. The worker changes the rest meanwhile.
	lease := store.Job{Key: job.Key, ID: job.ID, Fence: job.Fence}
	due := make(chan struct{}, 1)
	again := func() (stop func() bool) {
		return w.clock.afterFunc(max(w.lease/3, 10*time.Millisecond), func() { due <- struct{}{} })
	}
	// The lease runs from here on, whenever the goroutine begins.
	confirmed, stopTimer := w.clock.now(), again()
	go func() {
		defer close(done)
		defer func() { stopTimer() }()
		for {
			select {
			case <-renewing.Done():
				return
			case <-due:
				began := w.clock.now()
				stopTimer = again()
				err := w.renew(renewing, &lease)
				switch {
				case err == nil:
					confirmed = began
				case errors.Is(err, store.ErrHeld), w.clock.now().Sub(confirmed) > w.lease:
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
		lost(nil) // the drain is over: this only lets go of what the context holds
	}
}

// renew renews the lease once, in a goroutine whose panics nobody else would recover.
func (w Worker) renew(ctx context.Context, lease *store.Job) (err error) {
	defer invocation.Recover("erasure: renew", &err)
	return w.ledger.Renew(ctx, lease, w.clock.now().Add(w.lease+w.timing.ClockSkew))
}
