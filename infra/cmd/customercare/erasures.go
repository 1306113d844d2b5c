package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/ledger"
	"customercare/shared/rfc3339"
)

func (a *app) erasuresCommand() *cobra.Command {
	var which, since string
	var limit int
	list := a.does(&cobra.Command{
		Use:   "list",
		Short: "List erasures that are open, failing or finished",
		Long: `List erasures: those that are open, with those that fail (the default), those that fail
alone, or the records of those that are finished. No identifier of a customer is printed.

Finished ones are read from the ledger until --limit of them are found, so with a limit
that is reached they are any, and not the last. Open ones are the oldest.

Exit code: 3 when one that is listed fails.`,
		Example: `  customercare erasures list
  customercare erasures list --state failing --stack customercare
  customercare erasures list --state finished --since 2026-11-01T00:00:00Z --json`,
		Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		from, ok := rfc3339.Parse(since)
		if since != "" && !ok || limit < 1 {
			return misused("--since must be a time like 2026-01-02T03:04:05Z, and --limit at least 1")
		}
		if which != ledger.Open && which != ledger.Failing && which != ledger.Finished {
			return misused("--state must be open, failing or finished")
		}
		return a.listErasures(ctx, which, from, limit)
	})
	list.Flags().StringVar(&which, "state", ledger.Open, "`STATE` open, failing or finished")
	list.Flags().StringVar(&since, "since", "", "finished ones that ended at this `TIME` or later, RFC 3339")
	list.Flags().IntVar(&limit, "limit", 100, "at most `N`")
	_ = list.RegisterFlagCompletionFunc("state", cobra.FixedCompletions( // it fails where there is no such flag
		[]string{ledger.Open, ledger.Failing, ledger.Finished}, cobra.ShellCompDirectiveNoFileComp))

	var identifiers bool
	show := a.does(&cobra.Command{
		Use:   "show ID",
		Short: "Show an erasure: when, how much, under which digests",
		Long: `Show an erasure by its id, as ` + "`customercare erasures list`" + ` prints it: who asked and
when, how it stands, what was found and deleted, and the digests of whom it was about.

An open erasure holds the code or the numbers that it is to erase. They are personal data
that soon nobody is to have any more, and what a terminal shows stays in its history: so
they are printed with --identifiers only, for somebody who must look at that very
customer, because the erasure fails.`,
		Example: `  customercare erasures show erasure-20261127T055744Z-0123456789abcdef
  customercare erasures show customer-1.5f3c... --stack customercare --json`,
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error { return a.showErasure(ctx, args[0], identifiers) })
	show.Flags().BoolVar(&identifiers, "identifiers", false, "print the code or the numbers of an open erasure, too")
	return group(&cobra.Command{
		Use:   "erasures",
		Short: "Look at erasures",
		Long:  `Look at erasures in the ledger: what is open, what fails, what is finished.`,
		Example: `  customercare erasures list --state failing
  customercare erasures show erasure-20261127T055744Z-0123456789abcdef`,
	}, list, show)
}

func (a *app) listErasures(ctx context.Context, which string, since time.Time, limit int) error {
	d, err := a.find(ctx)
	if err != nil {
		return err
	}
	from := ledger.Ledger{DB: d.DB, Table: d.Tables.Erasures}
	var all []ledger.Erasure
	more := false
	if which == ledger.Finished {
		all, more, err = from.Finished(ctx, since, limit)
	} else {
		all, err = from.Open(ctx, which == ledger.Failing, limit)
	}
	if err != nil {
		return err
	}
	failing, rows := 0, [][]string{{"STATE", "KIND", "REQUESTED", "FINISHED", "FAILURES", "FOUND", "DELETED", "ID"}}
	for _, e := range all {
		if e.State == ledger.Failing {
			failing++
		}
		counts := []string{"-", "-"} // the list of open ones does not have them
		if e.State == ledger.Finished {
			counts = []string{number(e.Found), number(e.Deleted)}
		}
		rows = append(rows, []string{
			e.State, e.Kind, when(e.RequestedAt), when(e.FinishedAt), number(e.Failures), counts[0], counts[1], e.ID,
		})
	}
	err = a.print(all, rows)
	if more {
		a.tell("there are more: raise --limit, or set --since")
	}
	if err == nil && failing > 0 {
		return found("%d erasures fail, and are tried again: the log of continue-erasure names the cause", failing)
	}
	return err
}

func (a *app) showErasure(ctx context.Context, id string, identifiers bool) error {
	d, err := a.find(ctx)
	if err != nil {
		return err
	}
	from := ledger.Ledger{DB: d.DB, Table: d.Tables.Erasures}
	e, err := from.Show(ctx, id)
	if errors.Is(err, ledger.ErrNone) {
		return fmt.Errorf("%w in %s: `customercare erasures list` has the ids", err, d.Where)
	}
	if err == nil && identifiers {
		e.Identifiers, err = from.Identifiers(ctx, e.ID)
		if errors.Is(err, ledger.ErrNone) {
			err = errors.New("the erasure is finished: the ledger holds no identifiers of it any more")
		}
	}
	if err != nil {
		return err
	}
	rows := [][]string{
		{"id", e.ID}, {"state", e.State}, {"kind", e.Kind}, {"account or tenant", e.Scope},
		{"requested by", e.RequestedBy}, {"requested at", when(e.RequestedAt)},
		{"last requested at", when(e.LastRequestedAt)}, {"requests", number(e.Requests)},
		{"finished at", when(e.FinishedAt)}, {"due at", when(e.DueAt)}, {"failures in a row", number(e.Failures)},
		{"passes", number(e.Passes)}, {"found", number(e.Found)}, {"deleted", number(e.Deleted)},
		{"counts are lower bounds", yes(e.AtLeast)}, {"a contact could not be read", yes(e.Unreadable)},
		{"digests", join(e.Subjects)},
	}
	if identifiers {
		rows = append(rows, []string{"identifiers", join(e.Identifiers)})
	}
	return a.print(e, rows)
}
