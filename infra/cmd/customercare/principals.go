package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/principals"
	"customercare/shared/store"
)

// kinds are the kinds of principals as they are written on the command line.
var kinds = map[string]string{"operator": store.Operator, "api-user": store.APIUser, "app": store.App}

var kindNames = []string{"operator", "api-user", "app"}

// title is a kind as it is written on the command line.
func title(kind string) string {
	if kind == store.APIUser {
		return "api-user"
	}
	return kind
}

func (a *app) principalsCommand() *cobra.Command {
	const kindAndName = "KIND is operator, api-user or app."
	yes := false
	remove := a.onOne(&cobra.Command{
		Use:   "remove KIND NAME",
		Short: "Remove one for good",
		Long: `Remove a principal for good; ` + "`disable`" + ` can be undone. ` + kindAndName + `
It asks first; --yes says that nobody need be asked.`,
		Example: `  customercare principals remove app demo-app-key
  customercare principals remove operator csr --stack customercare --yes`,
	}, func(ctx context.Context, of chosen) error {
		if !yes {
			if err := a.confirm(ctx, "remove "+of.String()); err != nil {
				return err
			}
		}
		if err := of.table.Remove(ctx, of.kind, of.name); err != nil {
			return of.failed(err)
		}
		a.tell("%s is removed", of)
		return nil
	})
	remove.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return group(&cobra.Command{
		Use:   "principals",
		Short: "Keep those who may call: operators, API users and apps",
		Long: `Keep those who may call: operators (HTTP Basic), API users (a key) and apps (a secret,
for which they get tokens).

Secrets are asked for on the terminal, or read from standard input, never from the
command line; they are stored as hashes only. One with less than 15 characters, or that
everybody would try, is refused (NIST SP 800-63B).`,
		Example: `  customercare principals add operator csr --stack customercare
  customercare principals list`,
	}, a.addCommand(), a.does(&cobra.Command{
		Use:   "list",
		Short: "List all, with when each was last changed",
		Long: `List all operators, API users and apps: what each may call, on which accounts or for
which tenant, whether it is let in, and when it was last changed.`,
		Example: `  customercare principals list --stack customercare
  customercare principals list --json | jq -r '.[] | select(.disabled) | .name'`,
		Args: cobra.NoArgs,
	}, a.listPrincipals), a.onOne(&cobra.Command{
		Use:   "show KIND NAME",
		Short: "Show one",
		Long:  "Show one principal, but for its secrets, of which hashes alone are kept. " + kindAndName,
		Example: `  customercare principals show operator csr
  customercare principals show app demo-app-key --json`,
	}, func(ctx context.Context, of chosen) error { return a.showPrincipal(ctx, of) }),
		a.rotateCommand(), a.onOne(&cobra.Command{
			Use:   "disable KIND NAME",
			Short: "Let one in no more",
			Long: `Let a principal in no more: from the next call on, also with the tokens that an app has.
Only the answer for an operator is cached, for 5 minutes. ` + kindAndName,
			Example: `  customercare principals disable app demo-app-key --stack customercare`,
		}, func(ctx context.Context, of chosen) error { return a.setDisabled(ctx, of, true) }),
		a.onOne(&cobra.Command{
			Use:   "enable KIND NAME",
			Short: "Let one in again",
			Long: `Let a principal in again that was disabled. ` + kindAndName + `

Exit code: 3 when it is enabled, and not let in, because it was valid until now only.`,
			Example: `  customercare principals enable app demo-app-key --stack customercare`,
		}, func(ctx context.Context, of chosen) error { return a.setDisabled(ctx, of, false) }), remove)
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

// onOne makes do what the command does with the principal that its two arguments name.
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
		if !ok || args[1] == "" {
			return misused("%q is no kind of principal: it is operator, api-user or app, and a name follows", args[0])
		}
		d, err := a.find(ctx)
		if err != nil {
			return err
		}
		return do(ctx, chosen{principals.Table{DB: d.DB, Name: d.Tables.Principals, Now: time.Now}, kind, args[1], d.Where})
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

func (a *app) showPrincipal(ctx context.Context, of chosen) error {
	p, err := of.table.Show(ctx, of.kind, of.name)
	if err != nil {
		return of.failed(err)
	}
	if a.json {
		return a.printJSON(p)
	}
	return a.printTable([][]string{
		{"kind", title(p.Kind)}, {"name", p.Name}, {"may call", strings.Join(p.Operations, ", ")},
		{"accounts or tenant", bound(p)}, {"disabled", yes(p.Disabled)}, {"valid until", when(p.ValidUntil)},
		{"secrets that let in", strconv.Itoa(p.Secrets)}, {"last changed", when(p.Changed)},
	})
}

func (a *app) listPrincipals(ctx context.Context, _ []string) error {
	d, err := a.find(ctx)
	if err != nil {
		return err
	}
	all, err := principals.Table{DB: d.DB, Name: d.Tables.Principals, Now: time.Now}.List(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(all)
	}
	rows := [][]string{{"KIND", "NAME", "MAY CALL", "ACCOUNTS OR TENANT", "DISABLED", "VALID UNTIL", "SECRETS", "LAST CHANGED"}}
	for _, p := range all {
		rows = append(rows, []string{
			title(p.Kind), p.Name, strings.Join(p.Operations, ", "), bound(p), yes(p.Disabled), when(p.ValidUntil),
			strconv.Itoa(p.Secrets), when(p.Changed),
		})
	}
	return a.printTable(rows)
}

// bound is what a principal works on, "-" for all.
func bound(p principals.Principal) string {
	switch {
	case p.Tenant != "":
		return p.Tenant
	case len(p.Accounts) > 3:
		return fmt.Sprintf("%s and %d more", strings.Join(p.Accounts[:3], ", "), len(p.Accounts)-3)
	case len(p.Accounts) > 0:
		return strings.Join(p.Accounts, ", ")
	}
	return "-"
}
