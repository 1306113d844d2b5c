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
		return a.done(of, of.table.Remove(ctx, of.kind, of.name), "is removed")
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
	}, a.listPrincipals), a.onOne(&cobra.Command{
		Use:   "show KIND NAME",
		Short: "Show one",
		Long: `Show one principal, but for its secrets, of which hashes alone are kept.
` + kindAndName,
		Example: `  customercare principals show operator csr
  customercare principals show app demo-app-key --json`,
	}, a.showPrincipal),
		a.rotateCommand(), a.onOne(&cobra.Command{
			Use:   "disable KIND NAME",
			Short: "Let one in no more",
			Long: `Let a principal in no more: from the next call on, also with the tokens that an app has.
Only the answer for an operator is cached, for 5 minutes.
` + kindAndName,
			Example: `  customercare principals disable app demo-app-key --stack customercare`,
		}, func(ctx context.Context, of chosen) error {
			return a.done(of, of.table.SetDisabled(ctx, of.kind, of.name, true), "is disabled")
		}),
		a.onOne(&cobra.Command{
			Use:   "enable KIND NAME",
			Short: "Let one in again",
			Long: `Let a principal in again that was disabled. ` + kindAndName + `

Exit code: 3 when it is enabled, and not let in, because it was valid until now only.`,
			Example: `  customercare principals enable app demo-app-key --stack customercare`,
		}, a.enable), remove)
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
