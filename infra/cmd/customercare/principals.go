package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

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
		Long: `Show one principal, but for its secrets, of which hashes alone are kept.
` + kindAndName,
		Example: `  customercare principals show operator csr
  customercare principals show app demo-app-key --json`,
	}, func(ctx context.Context, of chosen) error { return a.showPrincipal(ctx, of) }),
		a.rotateCommand(), a.onOne(&cobra.Command{
			Use:   "disable KIND NAME",
			Short: "Let one in no more",
			Long: `Let a principal in no more: from the next call on, also with the tokens that an app has.
Only the answer for an operator is cached, for 5 minutes.
` + kindAndName,
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

func (a *app) showPrincipal(ctx context.Context, of chosen) error {
	p, err := of.table.Show(ctx, of.kind, of.name)
	if err != nil {
		return of.failed(err)
	}
	return a.print(p, [][]string{
		{"kind", title(p.Kind)}, {"name", p.Name}, {"may call", join(p.Operations)}, {"accounts or tenant", bound(p)},
		{"disabled", yes(p.Disabled)}, {"valid until", when(p.ValidUntil)},
		{"secrets that let in", number(int64(p.Secrets))}, {"last changed", when(p.Changed)},
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
	rows := [][]string{{
		"KIND", "NAME", "MAY CALL", "ACCOUNTS OR TENANT", "DISABLED", "VALID UNTIL", "SECRETS", "LAST CHANGED",
	}}
	for _, p := range all {
		rows = append(rows, []string{
			title(p.Kind), p.Name, join(p.Operations), bound(p), yes(p.Disabled), when(p.ValidUntil),
			number(int64(p.Secrets)), when(p.Changed),
		})
	}
	return a.print(all, rows)
}

// bound is what a principal works on: its tenant, or the first of its accounts.
func bound(p principals.Principal) string {
	const few = 3
	if len(p.Accounts) > few {
		return fmt.Sprintf("%s and %d more", join(p.Accounts[:few]), len(p.Accounts)-few)
	}
	return cmp.Or(p.Tenant, join(p.Accounts))
}
