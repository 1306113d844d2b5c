package main

import (
	"context"

	"github.com/spf13/cobra"

	"customercare/infra/principals"
	"customercare/shared/operation"
	"customercare/shared/rfc3339"
)

func (a *app) addCommand() *cobra.Command {
	var p principals.Principal
	var until string
	var generated bool
	add := a.onOne(&cobra.Command{
		Use:   "add KIND NAME",
		Short: "Add one who may call",
		Long: `Add a principal. KIND is operator, api-user or app. An API user needs at least one
--account, an app its --tenant.

Its password, key or secret is asked for twice on the terminal, or read from standard
input. --generate makes a strong one for an API user or an app, and prints it on standard
output, this once.

Exit code: 1 when there is one of that kind and name already, or the secret is weak.`,
		Example: `  customercare principals add operator csr --stack customercare
  customercare principals add api-user john1970 --account greatwidgets <key.txt
  customercare principals add app portal --tenant acme --generate
  customercare principals add operator temp --operation set-temporary-allow \
      --valid-until 2027-01-01T00:00:00Z`,
	}, func(ctx context.Context, of chosen) error {
		p.Kind, p.Name = of.kind, of.name
		if until != "" {
			at, ok := rfc3339.Parse(until)
			if !ok {
				return misused("--valid-until must be a time like 2027-01-01T00:00:00Z")
			}
			p.ValidUntil = &at
		}
		switch {
		case (p.Kind == operation.APIUser) != (len(p.Accounts) > 0):
			return misused("an api-user needs --account, and no other kind has one")
		case (p.Kind == operation.App) != (p.Tenant != ""):
			return misused("an app needs --tenant, and no other kind has one")
		}
		store := func(secret string) error { return of.table.Add(ctx, p, secret) }
		return a.newSecret(ctx, of, generated, store, "is added")
	})
	add.Flags().StringArrayVar(&p.Accounts, "account", nil, "an `ACCOUNT` that the API user works on (repeat for more)")
	add.Flags().StringVar(&p.Tenant, "tenant", "", "the `TENANT` that the app works for")
	add.Flags().StringArrayVar(&p.Operations, "operation", nil,
		"an `OPERATION` that it may call, repeat for more (default: all of its kind)")
	add.Flags().StringVar(&until, "valid-until", "", "the `TIME` from which on it is not let in, RFC 3339")
	add.Flags().BoolVar(&generated, "generate", false, "make a strong secret and print it")
	return add
}

func (a *app) rotateCommand() *cobra.Command {
	var generated, finish bool
	rotate := a.onOne(&cobra.Command{
		Use:   "rotate KIND NAME",
		Short: "Give one a new secret",
		Long: `Put a new password, key or secret beside the old one: both let in, until --finish takes
the old one away. KIND is operator, api-user or app. Where the old one has become known,
do the second right after the first. The new one is asked for, read or generated as by
` + "`customercare principals add`" + `.

--finish keeps the secret that came last; of two that were imported, the second.`,
		Example: `  customercare principals rotate operator csr --stack customercare
  customercare principals rotate operator csr --stack customercare --finish
  customercare principals rotate app portal --generate`,
	}, func(ctx context.Context, of chosen) error {
		if finish {
			if generated {
				return misused("--finish makes no new secret, so --generate has no meaning with it")
			}
			if err := of.table.Finish(ctx, of.kind, of.name); err != nil {
				return of.failed(err)
			}
			a.tell("%s: the old %s lets nobody in any more", of, principals.SecretField[of.kind])
			return nil
		}
		store := func(secret string) error { return of.table.Rotate(ctx, of.kind, of.name, secret) }
		return a.newSecret(ctx, of, generated, store,
			"has a new "+principals.SecretField[of.kind]+" beside the old one, which --finish takes away")
	})
	rotate.Flags().BoolVar(&finish, "finish", false, "take the old secret away")
	rotate.Flags().BoolVar(&generated, "generate", false, "make a strong secret and print it")
	return rotate
}

// newSecret asks for a secret or generates one, gives it to store, and tells what happened
// to the principal. A generated one is printed, once it is stored.
func (a *app) newSecret(
	ctx context.Context, of chosen, generated bool, store func(secret string) error, happened string,
) (err error) {
	secret := generate()
	if !generated {
		secret, err = a.askSecret(ctx, principals.SecretField[of.kind]+" of "+title(of.kind)+" "+of.name)
	} else if principals.SecretField[of.kind] == "password" {
		err = misused("people choose their passwords: --generate is for an api-user or an app")
	}
	if err != nil {
		return err
	}
	if err := store(secret); err != nil {
		return of.failed(err)
	}
	a.tell("%s %s", of, happened)
	if !generated {
		return nil
	}
	return a.print(map[string]string{"kind": of.kind, "name": of.name, "secret": secret}, [][]string{{secret}})
}
