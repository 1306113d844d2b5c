package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/principals"
	"customercare/shared/operation"
)

// kinds are the kinds of principals, by what they are called on the command line.
var kinds = map[string]string{"operator": operation.Operator, "api-user": operation.APIUser, "app": operation.App}

var kindNames = []string{"operator", "api-user", "app"}

// title is what a kind is called on the command line.
func title(kind string) string {
	if kind == operation.APIUser {
		return "api-user"
	}
	return kind
}

// chosen is the principal that a command works on.
type chosen struct {
	table      principals.Table
	kind, name string
	where      string
}

func (c chosen) String() string { return title(c.kind) + " " + c.name + " of " + c.where }

// failed puts whom an error is about before it.
func (c chosen) failed(err error) error { return fmt.Errorf("%s: %w", c, err) }

// onOne gives a command its work on the one principal that its arguments KIND and NAME name.
func (a *app) onOne(command *cobra.Command, do func(context.Context, chosen) error) *cobra.Command {
	command.Args = cobra.ExactArgs(2)
	command.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return kindNames, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.does(command, func(ctx context.Context, args []string) error {
		kind, ok := kinds[args[0]]
		if !ok {
			return misused("%q is no kind of principal: it is operator, api-user or app", args[0])
		}
		d, err := a.find(ctx)
		if err != nil {
			return err
		}
		table := principals.Table{DB: d.DB, Name: d.Tables.Principals, Now: time.Now}
		return do(ctx, chosen{table, kind, args[1], d.Where})
	})
}

func (a *app) setDisabled(ctx context.Context, of chosen, disabled bool) error {
	if err := of.table.SetDisabled(ctx, of.kind, of.name, disabled); err != nil {
		return of.failed(err)
	}
	if disabled {
		a.tell("%s is disabled", of)
		return nil
	}
	a.tell("%s is enabled", of)
	p, err := of.table.Show(ctx, of.kind, of.name)
	switch {
	case err != nil:
		return of.failed(err)
	case p.Disabled:
		return found("%s is not let in still: another program has written what bounds it; load it again", of)
	case p.ValidUntil != nil && !p.ValidUntil.After(time.Now()):
		return found("%s is not let in still: it was valid until %s; load it again", of, when(p.ValidUntil))
	}
	return nil
}
