package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/restore"
	"customercare/shared/identifier"
)

func (a *app) subjectCommand() *cobra.Command {
	return group(page("", "subject"),
		a.subjectOf("customer ACCOUNT CODE", identifier.MaxShort, func(ctx context.Context, s *restore.Subject, of []string) error {
			return s.Customer(ctx, of[0], of[1])
		}),
		a.subjectOf("number TENANT NUMBER", identifier.MaxShort, func(ctx context.Context, s *restore.Subject, of []string) error {
			return s.Number(ctx, of[0], of[1])
		}),
		a.subjectOf("user ID", identifier.MaxLong, func(ctx context.Context, s *restore.Subject, of []string) error {
			return s.User(ctx, of[0])
		}))
}

// subjectOf is a command that prints what is held of the data subject whom its arguments
// name. The last of them may be "-", for standard input. Each has at most so many bytes.
func (a *app) subjectOf(
	use string, most int, look func(ctx context.Context, s *restore.Subject, of []string) error,
) *cobra.Command {
	kind, _, _ := strings.Cut(use, " ")
	return a.does(page("subject", use), func(ctx context.Context, d *deployment.Deployment, of []string) error {
		if last := len(of) - 1; of[last] == "-" {
			lines, err := a.lines("-", 1)
			if err != nil {
				return err
			}
			of[last] = lines[0]
		}
		for _, text := range of {
			if text == "" || len(text) > most || !identifier.Sayable(text) {
				return fmt.Errorf("each identifier of a %s must have 1 to %d bytes of valid text", kind, most)
			}
		}
		return a.subject(ctx, d, kind, func(s *restore.Subject) error { return look(ctx, s, of) })
	})
}

// subject prints what look finds of a data subject of this kind.
func (a *app) subject(
	ctx context.Context, d *deployment.Deployment, kind string, look func(*restore.Subject) error,
) error {
	keys, err := a.keysFrom(ctx, d, "")
	if err != nil {
		return err
	}
	where := "; CloudTrail has who made it, where a trail keeps the data events of the tables"
	if d.Local {
		where = ""
	}
	a.tell("this reading has no line in the stack's audit%s", where)
	out, bar := bufio.NewWriter(a.out), a.newBar("reading", -1)
	s := restore.Subject{
		DB: d.DB, Tables: d.Tables.Tables, Digests: keys.Digester(), Out: out, Notes: bar,
		Progress: func() { _ = bar.Add(1) },
	}
	err = look(&s)
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	_ = bar.Finish()
	switch {
	case errors.Is(err, restore.ErrErased):
		a.tell("the %s is being erased, in %s: nothing of it may be shown any more", kind, d.Where)
		return nil
	case err != nil:
		return err
	case len(s.Printed) == 0:
		a.tell("nothing is held of this %s in %s", kind, d.Where)
		return nil
	}
	var counts []string
	for _, k := range []struct{ kind, one, many string }{
		{"customer", "customer", "customers"}, {"transaction", "transaction", "transactions"},
		{"contact", "contact", "contacts"}, {"user", "user", "users"},
		{"temporaryAllows", "line of temporary allows", "lines of temporary allows"},
		{"item", "item as it is stored", "items as they are stored"},
	} {
		if n := s.Printed[k.kind]; n > 0 {
			counts = append(counts, plural(n, k.one, k.many))
		}
	}
	a.tell("printed of this %s in %s: %s", kind, d.Where, strings.Join(counts, ", "))
	if n := s.Printed["item"]; n > 0 {
		return found("%s in the format of the import, and refused there", plural(n, "item is not", "items are not"))
	}
	return nil
}
