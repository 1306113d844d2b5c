package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"customercare/infra/bulk"
	"customercare/infra/deployment"
	"customercare/infra/restore"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/identifier"
	"customercare/shared/store"
)

// replaying is a call of `customercare replay`.
type replaying struct {
	table, by, keys, returning string
	since                      time.Time
	yes                        bool
}

func (a *app) replayCommand() *cobra.Command {
	var r replaying
	var since string
	command := page("", "replay --table NAME --since TIME --by NAME")
	command.PreRunE = func(*cobra.Command, []string) (err error) {
		switch {
		case r.table == "":
			return errors.New("--table must name the table in use that was restored")
		case r.by == "" || len(r.by) > identifier.MaxLong-len(replayedBy) || !identifier.Sayable(r.by):
			return errors.New("--by must say who replays, in at most 249 bytes of valid text")
		case since == "":
			return errors.New("--since must say to which time the table was restored")
		case r.returning == "-":
			return errors.New("--returning must be a file, which is read more than once")
		}
		r.since, err = parseTime("since", since)
		if err == nil && r.since.After(time.Now()) {
			err = errors.New("--since is in the future: say to which time the table was restored")
		}
		return err
	}
	command.Flags().StringVar(&r.table, "table", "", "`NAME` of the table in use that was restored")
	command.Flags().StringVar(&since, "since", "", "the `TIME` that it was restored to, RFC 3339")
	command.Flags().StringVar(&r.by, "by", "", "`NAME` of who replays, for the statements")
	command.Flags().StringVar(&r.returning, "returning", "",
		"leave alone whom `FILE` names, because they came back after their erasure")
	command.Flags().BoolVar(&r.yes, "yes", false, "erase, without asking")
	command.Flags().StringVar(&r.keys, "keys", "",
		"read the text of the secret DigestKeys from `FILE`, \"-\" is standard input")
	_ = command.MarkFlagFilename("keys") // it fails where there is no such flag
	_ = command.MarkFlagFilename("returning")
	return a.does(command, func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		return a.replay(ctx, d, r)
	})
}

// replayedBy begins the name of who asks for the erasures of a replay.
const replayedBy = "replay:"

// replayPause is how long it waits between two looks at an erasure.
const replayPause = 500 * time.Millisecond

func (a *app) replay(ctx context.Context, d *deployment.Deployment, asked replaying) error {
	if asked.table != d.Tables.Customers && asked.table != d.Tables.Contacts {
		return misused("--table must be the table of customers or of contacts in use: they are %s and %s",
			d.Tables.Customers, d.Tables.Contacts)
	}
	run, err := a.newReplay(ctx, d, asked)
	if err != nil {
		return err
	}
	if !asked.yes {
		run.Dry = true
		if err := a.openReplay(ctx, run, "reading"); err != nil {
			return err
		}
		if run.Subjects+run.Copies == 0 || !term.IsTerminal(int(a.in.Fd())) {
			return a.tellReplay(run)
		}
		question := fmt.Sprintf("erase %s again in %s", plural(run.Subjects, "data subject", "data subjects"), d.Where)
		if err := a.confirm(ctx, question); err != nil {
			return err
		}
		run.Dry, run.Subjects, run.Copies, run.Tombstones = false, 0, 0, 0
	}
	if err := a.openReplay(ctx, run, "erasing"); err != nil {
		return err
	}
	bar := a.newBar("waiting for the erasures", -1)
	err = run.Wait(ctx, replayPause)
	_ = bar.Finish()
	if err != nil {
		return err
	}
	bar = a.newBar("reading", -1)
	run.Table.Notes, run.Table.Progress = bar, func() { _ = bar.Add(1) }
	err = a.prove(ctx, d, run.Table, asked.by, run.counts())
	_ = bar.Finish()
	return err
}

// replayRun is a run, with what the command prints of it.
type replayRun struct{ restore.Replay }

func (r *replayRun) counts() map[string]any {
	return map[string]any{"subjects": r.Subjects, "refused": r.Refused, "copies": r.Copies, "tombstones": r.Tombstones}
}

// newReplay is a run over the table in use.
func (a *app) newReplay(ctx context.Context, d *deployment.Deployment, asked replaying) (*replayRun, error) {
	run := &replayRun{restore.Replay{By: replayedBy + asked.by, Table: restore.Table{
		DB: d.DB, Name: asked.table, Ledger: d.Tables.Erasures, Since: asked.since,
		Customers: d.Tables.Customers, Contacts: d.Tables.Contacts, Holds: d.Tables.Holds,
	}}}
	if err := a.isOf(ctx, &run.Table); err != nil {
		return nil, err
	}
	keys, err := a.keysFrom(ctx, d, asked.keys)
	if err != nil {
		return nil, err
	}
	digests := keys.Digester()
	if id := current(d); digests.Keys[id] != nil {
		digests.Current = id
	} else if d.Parameters != nil {
		return nil, fmt.Errorf("the key %q, which makes new digests, is not among those given", id)
	}
	run.Digests = digests
	if run.Returning, err = a.returning(ctx, asked.returning, digests); err != nil {
		return nil, err
	}
	ledger, timing := store.Erasures{DB: d.DB, Table: d.Tables.Erasures}, replayTiming(d)
	run.Customer = erasure.NewCustomerIntake(ledger,
		store.Customers{DB: d.DB, Table: d.Tables.Customers, Limiter: store.NewLimiter(replayCalls)},
		store.Holds{DB: d.DB, Table: d.Tables.Holds}, digests, timing, erasure.SystemClock())
	run.Numbers = erasure.NewNumbersIntake(ledger, digests, time.Now)
	return run, nil
}

// replayCalls is how many deleting calls a replay makes at once; workers make the most.
const replayCalls = 4

// replayTiming is the stack's timing, or longer, which is always safe: it says when
// workers look again at what the replay has opened, and they go by their own.
func replayTiming(d *deployment.Deployment) erasure.Timing {
	longer := func(parameter string, usual time.Duration) time.Duration {
		of, _ := time.ParseDuration(d.Parameters[parameter])
		return max(of, usual)
	}
	return erasure.Timing{
		WriterLifetime: longer("WriterLifetime", 5*time.Minute), ClockSkew: longer("ClockSkew", time.Minute),
	}
}

// returning are the digests of those whom a file names.
func (a *app) returning(ctx context.Context, name string, digests digest.Digester) (map[string]bool, error) {
	if name == "" {
		return nil, nil
	}
	file, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	faulty := 0
	plan, err := bulk.Look(ctx, file, func(int) {}, func(line int, sentence string) {
		faulty++
		a.tell("line %d: %s", line, sentence)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w; nothing is erased", err)
	case faulty > 0: // somebody who came back would be erased
		return nil, fmt.Errorf("%s of %s nobody; nothing is erased", plural(faulty, "line names", "lines name"), name)
	}
	all := map[string]bool{}
	return all, plan.Each(ctx, func(row bulk.Row) error {
		for _, digest := range digests.EverySubject(row.Kind, row.Scope, row.ID) {
			all[digest] = true
		}
		return nil
	})
}

// openReplay goes through the table once.
func (a *app) openReplay(ctx context.Context, run *replayRun, work string) error {
	bar := a.newBar(work, -1)
	run.Notes, run.Progress = bar, func() { _ = bar.Add(1) }
	err := run.Open(ctx)
	_ = bar.Finish()
	if err == nil && !run.Dry {
		a.tell("%s opened for %s, %s refused because of a hold", plural(run.Subjects-run.Refused, "erasure is", "erasures are"),
			run.Name, plural(run.Refused, "is", "are"))
	}
	return err
}

// tellReplay tells what a run without --yes has found.
func (a *app) tellReplay(run *replayRun) error {
	err := a.print(run.counts(), []any{"subjects to erase again", run.Subjects}, []any{"missing copies of contacts", run.Copies},
		[]any{"tombstones of no open erasure", run.Tombstones})
	if err == nil && run.Subjects+run.Copies > 0 {
		return found("nothing is erased: say --yes to erase again in %s whoever was erased since %s", run.Name,
			run.Since.Format(time.RFC3339))
	}
	return err
}
