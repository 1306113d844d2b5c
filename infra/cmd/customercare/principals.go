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
	"customercare/shared/operation"
)

func (a *app) principalsCommand() *cobra.Command {
	disable := func(ctx context.Context, of chosen) error {
		return a.done(of, of.table.SetDisabled(ctx, of.kind, of.name, true), "is disabled"+of.cached(), "")
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
		return a.done(of, of.table.Remove(ctx, of.kind, of.name), "is removed"+of.cached(), "")
	})
}

func (a *app) enable(ctx context.Context, of chosen) error {
	if err := a.done(of, of.table.SetDisabled(ctx, of.kind, of.name, false), "is enabled", ""); err != nil {
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
	"KIND", "NAME", "MAY CALL", "ACCOUNTS OR TENANT", "DISABLED", "VALID UNTIL", "SECRETS", "SECRET LAST CHANGED",
}

func columns(p principals.Principal, bound string) []any {
	return []any{p.Kind, p.Name, p.Operations, bound, p.Disabled, p.ValidUntil, p.Secrets, p.Changed}
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
	return a.list(all, "nobody may call: `customercare principals add` adds an operator, an API user or an app", rows...)
}

// kinds are the kinds of principals, by what they may be called on the command line. It
// prints them as they stand in records.
var kinds = map[string]string{
	operation.Operator: operation.Operator, operation.APIUser: operation.APIUser, operation.App: operation.App,
	"api-user": operation.APIUser,
}

var kindNames = []string{operation.Operator, operation.APIUser, operation.App}

// table is the table of principals of a deployment.
func table(d *deployment.Deployment) principals.Table {
	return principals.Table{DB: d.DB, Name: d.Tables.Principals, Now: time.Now}
}

// chosen is the principal that a command works on.
type chosen struct {
	table      principals.Table
	kind, name string
	where      string
}

func (c chosen) String() string { return c.kind + " " + c.name + " of " + c.where }

// failed puts whom an error is about before it.
func (c chosen) failed(err error) error { return fmt.Errorf("%s: %w", c, err) }

// cached is the warning that an operator may get in for 5 more minutes: so long API
// Gateway keeps the authorizer's answer (ReauthorizeEvery in template.yaml).
func (c chosen) cached() string {
	if c.kind == operation.Operator {
		return "; API Gateway may let it in for 5 minutes more"
	}
	return ""
}

// done ends a command: with err as an error about the principal, else with a line on
// standard error, and the secret or JSON on standard output. secret is "" where none was
// generated.
func (a *app) done(to chosen, err error, happened, secret string) error {
	if err != nil {
		return to.failed(err)
	}
	a.tell("%s %s", to, happened)
	value := map[string]string{"kind": to.kind, "name": to.name, "secret": secret}
	switch {
	case secret == "" && !a.json:
		return nil
	case secret == "":
		delete(value, "secret")
	}
	return a.print(value, []any{secret})
}

// onOne gives a command its work on the one principal that its arguments KIND and NAME
// name.
func (a *app) onOne(command *cobra.Command, do func(context.Context, chosen) error) *cobra.Command {
	command.Args = func(cmd *cobra.Command, args []string) error {
		err := takes(cmd, args)
		if err == nil && kinds[args[0]] == "" {
			err = fmt.Errorf("%q is no kind of principal: it is operator, apiUser or app", args[0])
		}
		return err
	}
	names := a.completes(func(ctx context.Context, d *deployment.Deployment, args []string) (names []string) {
		all, _ := table(d).List(ctx)
		for _, p := range all {
			if p.Kind == kinds[args[0]] {
				names = append(names, p.Name)
			}
		}
		return names
	})
	command.ValidArgsFunction = func(
		cmd *cobra.Command, args []string, begun string,
	) ([]string, cobra.ShellCompDirective) {
		switch {
		case len(args) == 0:
			return kindNames, cobra.ShellCompDirectiveNoFileComp
		case cmd.Name() == "add": // a name that there is not yet
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(cmd, args, begun)
	}
	return a.does(command, func(ctx context.Context, d *deployment.Deployment, args []string) error {
		return do(ctx, chosen{table(d), kinds[args[0]], args[1], d.Where})
	})
}
