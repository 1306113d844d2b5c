package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/ledger"
)

func (a *app) erasuresCommand() *cobra.Command {
	var which, since string
	var limit int
	var from time.Time
	states := []string{ledger.Open, ledger.Failing, ledger.Finished}
	list := a.does(page("erasures", "list"), func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		return a.listErasures(ctx, d, which, from, limit)
	})
	list.PreRunE = func(*cobra.Command, []string) (err error) {
		if since != "" {
			from, err = parseTime("since", since)
		}
		switch {
		case limit < 1:
			return errors.New("--limit must be at least 1")
		case !slices.Contains(states, which):
			return errors.New("--state must be open, failing or finished")
		case err == nil && since != "" && which != ledger.Finished:
			return errors.New("--since is for --state finished")
		}
		return err
	}
	list.Flags().StringVar(&which, "state", ledger.Open, "`STATE` open, failing or finished")
	list.Flags().StringVar(&since, "since", "", "finished ones that ended at this `TIME` or later, RFC 3339")
	list.Flags().IntVar(&limit, "limit", 100, "at most `N`")
	_ = list.RegisterFlagCompletionFunc("state", // it fails where there is no such flag
		cobra.FixedCompletions(states, cobra.ShellCompDirectiveNoFileComp))

	var identifiers bool
	show := page("erasures", "show JOB")
	a.does(show, func(ctx context.Context, d *deployment.Deployment, args []string) error {
		return a.showErasure(ctx, d, args[0], identifiers)
	})
	openIDs := func(ctx context.Context, d *deployment.Deployment, _ []string) (ids []string) {
		all, _, _ := inUse(d).Open(ctx, false, limit)
		for _, e := range all {
			ids = append(ids, e.Job)
		}
		return ids
	}
	show.ValidArgsFunction = a.completes(openIDs)
	show.Flags().BoolVar(&identifiers, "identifiers", false, "print the code or the numbers of an open erasure, too")
	return group(page("", "erasures"), list, show)
}

// inUse is the ledger of a deployment.
func inUse(d *deployment.Deployment) ledger.Ledger {
	return ledger.Ledger{DB: d.DB, Table: d.Tables.Erasures}
}

func (a *app) listErasures(
	ctx context.Context, d *deployment.Deployment, which string, since time.Time, limit int,
) (err error) {
	var all []ledger.Erasure
	more, hint := false, "raise --limit"
	if which == ledger.Finished {
		all, more, err = inUse(d).Finished(ctx, since, limit)
		hint += ", or set --since"
	} else {
		all, more, err = inUse(d).Open(ctx, which == ledger.Failing, limit)
	}
	if err != nil {
		return err
	}
	failing, rows := 0, [][]any{{"STATE", "KIND", "REQUESTED", "FAILURES", "JOB"}}
	if which == ledger.Finished {
		rows[0] = []any{"STATE", "KIND", "REQUESTED", "FINISHED", "FOUND", "DELETED", "HELD", "JOB"}
	}
	for _, e := range all {
		if e.State == ledger.Failing {
			failing++
		}
		row := []any{e.State, e.Kind, e.RequestedAt, e.Failures, e.Job}
		if which == ledger.Finished {
			row = []any{e.State, e.Kind, e.RequestedAt, e.FinishedAt, e.Found, e.Deleted, heldOf(e), e.Job}
		}
		rows = append(rows, row)
	}
	err = a.list(all, none[which], rows...)
	if more {
		a.tell("there are more: %s", hint)
	}
	if err == nil && failing > 0 {
		return found("%s tried again: the log of continue-erasure, cleanup or delete-customer names the cause"+
			" beside the job", plural(failing, "erasure fails, and is", "erasures fail, and are"))
	}
	return err
}

// heldOf is how many data subjects an erasure has kept because of holds: with one of them
// it is partial. Nothing where nobody knows.
func heldOf(e ledger.Erasure) *int64 {
	if e.Outcomes == nil {
		return nil
	}
	held := int64(e.Outcomes.Held)
	return &held
}

// none is what is told in place of an empty list, by --state.
var none = map[string]string{
	ledger.Open: "no erasure is open", ledger.Failing: "no erasure fails", ledger.Finished: "no such erasure is finished",
}

func (a *app) showErasure(ctx context.Context, d *deployment.Deployment, id string, identifiers bool) error {
	e, err := inUse(d).Show(ctx, id)
	if errors.Is(err, ledger.ErrNone) {
		return fmt.Errorf("%w in %s: `customercare erasures list` has their jobs", err, d.Where)
	}
	if err == nil && identifiers {
		e.Identifiers, err = inUse(d).Identifiers(ctx, e.ID)
		if errors.Is(err, ledger.ErrNone) {
			err = fmt.Errorf("the ledger holds no identifiers of it any more: %s",
				map[bool]string{false: "the erasure is finished", true: "its job is gone"}[e.JobGone])
		}
	}
	if err != nil {
		return err
	}
	due := "due at"
	if e.Waiting {
		due = "waits for late writers until"
	}
	rows := [][]any{
		{"job", e.Job}, {"id", e.ID}, {"state", e.State}, {"kind", e.Kind}, {"account or tenant", e.Scope},
		{"requested by", e.RequestedBy}, {"requested at", e.RequestedAt},
		{"last requested at", e.LastRequestedAt}, {"requests", e.Requests},
		{"finished at", e.FinishedAt}, {due, e.DueAt}, {"failures in a row", e.Failures},
		{"passes", e.Passes}, {"found", e.Found}, {"deleted", e.Deleted},
		{"counts are lower bounds", e.AtLeast}, {"a contact could not be read", e.Unreadable},
		{"last pass began at", e.VerifiedAt}, {"in backups until", e.BackupsUntil}, {"outcomes", outcomesOf(e.Outcomes)},
		{"acceptance is leaf", e.AcceptedLeaf}, {"acceptance sealed at", e.AcceptedSealedAt},
		{"end is leaf", e.EndLeaf}, {"end sealed at", e.EndSealedAt}, {"digests", e.Subjects},
	}
	if identifiers {
		rows = append(rows, []any{"identifiers", e.Identifiers})
	}
	if e.JobGone {
		a.tell("its job is not in the ledger, so nobody works on it: somebody has changed the table or restored it")
	}
	if err := a.tellDestroyed(ctx, d, e.Subjects); err != nil {
		return err
	}
	return a.print(e, rows...)
}

// outcomesOf are the outcomes in words, "" while there are none.
func outcomesOf(counts *ledger.Outcomes) string {
	if counts == nil {
		return ""
	}
	return fmt.Sprintf("%d erased, %d not found, %d held", counts.Erased, counts.NotFound, counts.Held)
}

// tellDestroyed says which keys of digests are destroyed.
func (a *app) tellDestroyed(ctx context.Context, d *deployment.Deployment, digests []string) error {
	told := map[string]bool{}
	for _, digest := range digests {
		id, _, _ := strings.Cut(digest, ".")
		if told[id] {
			continue
		}
		told[id] = true
		at, err := inUse(d).KeyDestroyed(ctx, id)
		if err != nil {
			return err
		}
		if at != nil {
			a.tell("the key %s of its digests is destroyed since %s: nobody can tell any more whom it was about", id, cell(at))
		}
	}
	return nil
}
