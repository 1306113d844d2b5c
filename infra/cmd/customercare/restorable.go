package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/digestkeys"
	"customercare/infra/restore"
)

func (a *app) restorableCommand() *cobra.Command {
	var table, since, keys string
	var at time.Time
	var missing bool
	command := page("", "restorable --table NAME --since TIME")
	command.PreRunE = func(*cobra.Command, []string) (err error) {
		switch {
		case table == "":
			return errors.New("--table must name a table")
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
	command.Flags().StringVar(&keys, "keys", "",
		"read the text of the secret DigestKeys from `FILE`, \"-\" is standard input")
	command.Flags().BoolVar(&missing, "missing", false, "leave out what stands in the table in use, changed or not")
	_ = command.MarkFlagFilename("keys") // it fails where there is no such flag
	return a.does(command, func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		run := restore.Table{DB: d.DB, Name: table, Ledger: d.Tables.Erasures, Since: at}
		if missing {
			run.Customers, run.Contacts = d.Tables.Customers, d.Tables.Contacts
		}
		return a.restorable(ctx, d, run, keys)
	})
}

func (a *app) restorable(ctx context.Context, d *deployment.Deployment, run restore.Table, keysFile string) error {
	if err := a.isOf(ctx, &run); err != nil {
		return err
	}
	keys, err := a.keysFrom(ctx, d, keysFile)
	if err != nil {
		return err
	}
	out, bar := bufio.NewWriter(a.out), a.newBar("reading", -1)
	run.Digests, run.Out, run.Notes, run.Progress = keys.Digester(), out, bar, func() { _ = bar.Add(1) }
	err = errors.Join(run.Print(ctx), out.Flush())
	_ = bar.Finish()
	if err != nil {
		return err
	}
	a.tell("%s with the ledger of %s: %s can be restored, %s erased since %s",
		run.Name, d.Where, plural(run.Printed, "record", "records"),
		plural(run.Erased, "item is left out because it was", "items are left out because they were"),
		run.Since.Format(time.RFC3339))
	if run.InUse > 0 {
		a.tell("%s left out, in the table in use already", plural(run.InUse, "record is", "records are"))
	}
	if run.Unreadable > 0 {
		return found("%s be loaded", plural(run.Unreadable,
			"item is left out because it cannot", "items are left out because they cannot"))
	}
	return nil
}

// isOf checks that the table is not of an earlier time than the run supposes.
func (a *app) isOf(ctx context.Context, run *restore.Table) error {
	restored, err := run.RestoredTo(ctx)
	if err == nil && restored != nil && run.Since.Sub(*restored) >= time.Second { // AWS keeps no fractions
		return misused("--since is later than the time to which %s was restored, so who was erased in between"+
			" would come back: say --since %s", run.Name, restored.UTC().Format(time.RFC3339))
	}
	return err
}

// keysFrom reads the digest keys from a file, or where none is named from the stack's
// secret.
func (a *app) keysFrom(ctx context.Context, d *deployment.Deployment, name string) (digestkeys.Keys, error) {
	if name == "" {
		keys, _, err := readKeys(ctx, d)
		return keys, err
	}
	file, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	const most = 64 << 10 // what Secrets Manager keeps of a secret
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, errors.New("the keys cannot be read")
	}
	return digestkeys.Parse(string(text))
}
