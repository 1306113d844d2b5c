package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/restore"
)

func (a *app) restoredCommand() *cobra.Command {
	var table, since, keys, by string
	var at time.Time
	command := page("", "restored --table NAME --since TIME --by NAME")
	command.PreRunE = func(*cobra.Command, []string) (err error) {
		switch {
		case table == "":
			return errors.New("--table must name a table")
		case checkBy(by, "has restored") != nil:
			return checkBy(by, "has restored")
		case since == "":
			return errors.New("--since must say to which time the table was restored")
		}
		at, err = parseTime("since", since)
		if err == nil && at.After(time.Now()) {
			err = errors.New("--since is in the future: say to which time the table was restored")
		}
		return err
	}
	command.Flags().StringVar(&table, "table", "", "the table `NAME` that was restored")
	command.Flags().StringVar(&since, "since", "", "the `TIME` that it was restored to, RFC 3339")
	command.Flags().StringVar(&by, "by", "", "`NAME` of who has restored, for the statement")
	command.Flags().StringVar(&keys, "keys", "",
		"read the text of the secret DigestKeys from `FILE`, \"-\" is standard input")
	_ = command.MarkFlagFilename("keys") // it fails where there is no such flag
	return a.does(command, func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		return a.restored(ctx, d, restore.Table{
			DB: d.DB, Name: table, Ledger: d.Tables.Erasures, Since: at,
			Customers: d.Tables.Customers, Contacts: d.Tables.Contacts, Holds: d.Tables.Holds,
		}, keys, by)
	})
}

// restored looks at the table in use, and puts on record that nobody came back.
func (a *app) restored(ctx context.Context, d *deployment.Deployment, run restore.Table, keysFile, by string) error {
	if err := a.isOf(ctx, &run); err != nil {
		return err
	}
	keys, err := a.keysFrom(ctx, d, keysFile)
	if err != nil {
		return err
	}
	bar := a.newBar("reading", -1)
	run.Digests, run.Notes, run.Progress = keys.Digester(), bar, func() { _ = bar.Add(1) }
	err = a.prove(ctx, d, run, by, map[string]any{})
	_ = bar.Finish()
	return err
}

// prove looks at the table in use, and puts on record that nobody came back. value is
// what is printed besides as JSON.
func (a *app) prove(
	ctx context.Context, d *deployment.Deployment, run restore.Table, by string, value map[string]any,
) error {
	said, err := run.Prove(ctx)
	if err != nil {
		return err
	}
	value["restored"] = said
	if said.Left > 0 {
		_ = a.print(value, []any{"left", said.Left})
		return found("%s in %s about somebody who was erased since, and nothing is put on record: erase them again,"+
			" with `customercare replay`, or wait for their erasure to end", plural(int(said.Left), "item is left", "items are left"), d.Where)
	}
	id, err := inUse(d).Restored(ctx, by, time.Now(), said)
	if err != nil {
		return err
	}
	value["id"] = id
	err = a.print(value, []any{"read", said.Read}, []any{"left out", said.LeftOut}, []any{"loaded", said.Loaded},
		[]any{"left", said.Left}, []any{"held", said.Held}, []any{"returned", said.Returned},
		[]any{"unreadable", said.Unreadable}, []any{"id", id})
	if err == nil && said.Unreadable > 0 {
		return found("%s be read, as the statement says", plural(int(said.Unreadable),
			"item of the table in use cannot", "items of the table in use cannot"))
	}
	return err
}
