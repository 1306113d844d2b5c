package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/store"
)

// handler is the function. A schedule starts it every minute. Each run puts into the log
// what the ledger's index of unlogged records shows, batch after batch until its time is
// nearly up:
//
//  1. it reads the head, and refuses a log that is not the one it knows (open);
//  2. it tells the records of a run that died before where their statements are (mark);
//  3. it lists the records, and reads them strongly consistent: what they say counts, not
//     the index (collect);
//  4. it signs the new checkpoint, and writes it with its tiles in one transaction, on
//     condition that the head is the one it has read (batch);
//  5. it tells the records (mark).
//
// Every statement is in the log once. A record is read only after all leaves of the log
// are known to their records, and what it says is appended only to that very log. So of
// runs at the same time one appends, and whoever dies anywhere leaves a log that the next
// run goes on with. No erasure ever waits for this function.
type handler struct {
	ledger   store.Erasures
	unlogged string // the name of the ledger's index of records with unlogged statements
	log      store.Log
	key      *key
	now      func() time.Time

	// known is the newest tree of the log whose tiles this process has checked.
	known tlog.Tree
}

// What one run does at most.
const (
	// listedAtMost bounds the memory of a run: as many entries of the index are about 20
	// MB while they are read. The next run takes others.
	listedAtMost = 100_000
	// batchTime is what is left of a run's time when it begins no other batch. A batch
	// takes about a second.
	batchTime = 15 * time.Second
	// namedAtMost is how many records that cannot be read the run's line of log names.
	namedAtMost = 10
	// maxRaces is how often a run begins again because another one has appended.
	maxRaces = 5
)

// errRefused begins the error of a log that must not be signed.
var errRefused = errors.New("the log is not signed")

// handle is one run. An error counts as a failed run in Lambda's metrics. The event is
// not tried again (template.yaml), because the next minute's run does the same.
func (h *handler) handle(ctx context.Context, _ events.EventBridgeEvent) error {
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	r := &run{handler: h}
	err := r.seal(ctx)
	refused := 0.
	if errors.Is(err, errRefused) {
		refused = 1
	}
	values := []metric.Value{
		metric.LeavesSealed.Of(float64(r.appended)), metric.LedgerRefused.Of(refused),
		metric.LedgerUnreadable.Of(float64(len(r.unreadable))),
	}
	if waiting, oldest, known := r.left(ctx); known {
		values = append(values, metric.LedgerUnsealed.Of(float64(waiting)), metric.OldestUnsealed.Of(oldest.Seconds()))
	}
	metric.Put(ctx, "ledger sealed", values...)
	if n := len(r.unreadable); n > 0 {
		slog.Error("records hold no statements of their own, and are left out of the log",
			"records", r.unreadable[:min(n, namedAtMost)], "left out", n)
	}
	if n := len(r.newer); n > 0 {
		slog.Warn("records are left to the newer version that wrote them", "operation", "seal-ledger", "left", n)
	}
	err = errors.Join(err, r.unlisted)
	if err != nil {
		slog.Error("failed", "operation", "seal-ledger", "cause", err.Error())
	}
	return err
}

// seal is the run's work.
func (r *run) seal(ctx context.Context) (err error) {
	defer invocation.Recover("seal-ledger", &err)
	races := 0
	for {
		err := r.open(ctx)
		for err == nil && r.more(ctx) {
			err = r.batch(ctx)
		}
		if races++; !errors.Is(err, store.ErrLogGrown) || races > maxRaces {
			return err
		}
	}
}

// more lists what is left to be done, the first time, and says whether there is any, and
// time for it.
func (r *run) more(ctx context.Context) bool {
	r.list(ctx)
	deadline, ok := ctx.Deadline()
	return len(r.waiting) > 0 && (!ok || time.Until(deadline) > batchTime) && ctx.Err() == nil
}
