package erasure

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// holdsAtOnce is how many holds one run of Holder.Due looks at.
const holdsAtOnce = 100

// byItself is who releases a hold whose end has come.
const byItself = "cleanup"

// Due goes on with the holds that are due: those whose end has come, those that are being
// released, and those whose placing has died. index is the name of the table's index of
// holds that stand. A hold that fails keeps no other waiting, and is tried again later.
// failing is how many did, and how many are left to a newer version; the error says that
// they could not be listed.
func (h Holder) Due(ctx context.Context, index string) (failing int, err error) {
	defer invocation.Recover("erasure: holds", &err)
	holds, _, err := h.holds.ListDue(ctx, index, h.clock.now(), holdsAtOnce)
	if err != nil {
		return 0, err
	}
	newer := 0
	for _, hold := range holds {
		if hold.Newer {
			newer++
			continue
		}
		deadline, ok := ctx.Deadline()
		if ok && time.Until(deadline) < sliceLength+wrapUp {
			break // the next run's
		}
		if err := h.due(ctx, hold); err != nil {
			failing++
			slog.Error("a hold failed, will be tried again", "hold", hold.ID, "status", string(hold.Status),
				"failures", hold.Failures+1, "cause", err.Error())
		}
	}
	if newer > 0 {
		leftToNewer("holds", newer)
	}
	return failing + newer, nil
}

// due goes on with one hold. After an error it is due later.
func (h Holder) due(ctx context.Context, hold store.Hold) error {
	hold, err := h.takeStep(ctx, hold)
	if err == nil {
		return nil
	}
	hold.Failures++
	wait := lastRetry
	if hold.Failures < 10 {
		wait = firstRetry << hold.Failures
	}
	if saved := h.holds.Save(ctx, hold, h.clock.now().Add(wait)); !errors.Is(saved, store.ErrHoldChanged) {
		err = errors.Join(err, saved)
	}
	return err
}

// takeStep ends a hold whose end has come, and goes on with one that is being placed or
// released. It returns the hold as it is then; after an error, as it was last known.
func (h Holder) takeStep(ctx context.Context, hold store.Hold) (last store.Hold, err error) {
	last = hold
	defer invocation.Recover("erasure: hold", &err)
	if hold.Status == store.Active && !hold.Until.IsZero() && !hold.Until.After(h.clock.now()) {
		ended, err := h.end(ctx, hold, byItself)
		if errors.Is(err, store.ErrHoldChanged) {
			return hold, nil // somebody else has ended it: the next run's
		}
		if err != nil {
			return hold, err
		}
		last = ended
		// What was asked for since it was read is there too.
		if hold, err = h.holds.Read(ctx, hold.ID); err != nil {
			return last, err
		}
	}
	if hold.Status != store.Placing && hold.Status != store.Releasing {
		return hold, nil
	}
	return h.goOn(ctx, hold, h.clock.now().Add(sliceLength))
}
