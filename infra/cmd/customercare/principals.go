package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/principals"
)

func (a *app) principalsCommand() *cobra.Command {
	disable := func(ctx context.Context, of chosen) error {
		return a.done(of, of.table.SetDisabled(ctx, of.kind, of.name, true), "is disabled")
	}
	return group(page("", "principals"),
		a.addCommand(), a.does(page("principals", "list"), a.listPrincipals),
		a.onOne(page("principals", "show KIND NAME"), a.showPrincipal), a.rotateCommand(),
		a.onOne(page("principals", "disable KIND NAME"), disable),
		a.onOne(page("principals", "enable KIND NAME"), a.enable), a.removeCommand())
}

func (a *app) removeCommand() *cobra.Command {
	yes := false
	remove := page("principals", "remove KIND NAME")
	remove.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return a.onOne(remove, func(ctx context.Context, of chosen) error {
		if !yes {
			if err := a.confirm(ctx, "remove "+of.String()); err != nil {
				return err
			}
		}
		return a.done(of, of.table.Remove(ctx, of.kind, of.name), "is removed")
	})
}

func (a *app) enable(ctx context.Context, of chosen) error {
	if err := a.done(of, of.table.SetDisabled(ctx, of.kind, of.name, false), "is enabled"); err != nil {
		return err
	}
	p, err := of.table.Show(ctx, of.kind, of.name)
	switch {
	case err != nil:
		return of.failed(err)
	case p.Disabled:
		return found("%s is not let in still: another program has written what bounds it; load it again", of)
	case p.ValidUntil != nil && !p.ValidUntil.After(time.Now()):
		return found("%s is not let in still: it was valid until %s; load it again", of, cell(p.ValidUntil))
	}
	return nil
}

// titles are those of the columns that columns fills.
var titles = []any{
	"KIND", "NAME", "MAY CALL", "ACCOUNTS OR TENANT", "DISABLED", "VALID UNTIL", "SECRETS", "LAST CHANGED",
}

func columns(p principals.Principal, bound string) []any {
	return []any{title(p.Kind), p.Name, p.Operations, bound, p.Disabled, p.ValidUntil, p.Secrets, p.Changed}
}

func (a *app) showPrincipal(ctx context.Context, of chosen) error {
	p, err := of.table.Show(ctx, of.kind, of.name)
	if err != nil {
		return of.failed(err)
	}
	var rows [][]any
	for i, value := range columns(p, cmp.Or(p.Tenant, cell(p.Accounts))) {
		rows = append(rows, []any{strings.ToLower(titles[i].(string)), value})
	}
	return a.print(p, rows...)
}

func (a *app) listPrincipals(ctx context.Context, d *deployment.Deployment, _ []string) error {
	all, err := table(d).List(ctx)
	if err != nil {
		return err
	}
	const few = 3
	rows := [][]any{titles}
	for _, p := range all {
		bound := cmp.Or(p.Tenant, cell(p.Accounts))
		if len(p.Accounts) > few {
			bound = fmt.Sprintf("%s and %d more", cell(p.Accounts[:few]), len(p.Accounts)-few)
		}
		rows = append(rows, columns(p, bound))
	}
	return a.print(all, rows...)
}
