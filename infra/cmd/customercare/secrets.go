package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/importer"
	"customercare/infra/principals"
	"customercare/shared/operation"
)

func (a *app) addCommand() *cobra.Command {
	var p principals.Principal
	var until string
	var generated bool
	add := page("principals", "add KIND NAME")
	add.PreRunE = func(_ *cobra.Command, args []string) error {
		p.Kind, p.Name = kinds[args[0]], args[1]
		if until != "" {
			at, err := parseTime("valid-until", until)
			switch {
			case err != nil:
				return err
			case !at.After(time.Now()):
				return errors.New("--valid-until is over, so nobody would be let in")
			}
			p.ValidUntil = &at
		}
		switch {
		case (p.Kind == operation.APIUser) != (len(p.Accounts) > 0):
			return errors.New("an apiUser needs --account, and no other kind has one")
		case (p.Kind == operation.App) != (p.Tenant != ""):
			return errors.New("an app needs --tenant, and no other kind has one")
		}
		return mayGenerate(generated, p.Kind)
	}
	add.Flags().StringArrayVar(&p.Accounts, "account", nil, "an `ACCOUNT` that the API user works on (repeat for more)")
	add.Flags().StringVar(&p.Tenant, "tenant", "", "the `TENANT` that the app works for")
	add.Flags().StringArrayVar(&p.Operations, "operation", nil,
		"an `OPERATION` that it may call, repeat for more (default: all of its kind)")
	add.Flags().StringVar(&until, "valid-until", "", "the `TIME` from which on it is not let in, RFC 3339")
	add.Flags().BoolVar(&generated, "generate", false, "make a strong secret and print it")
	_ = add.RegisterFlagCompletionFunc("operation", // it fails where there is no such flag
		func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			kind := append(args, "")[0]
			return operation.Scopes(kinds[kind]), cobra.ShellCompDirectiveNoFileComp
		})
	return a.onOne(add, func(ctx context.Context, of chosen) error {
		switch _, err := of.table.Show(ctx, of.kind, of.name); { // before anybody is asked for a secret
		case err == nil:
			return of.failed(principals.ErrThere)
		case !errors.Is(err, principals.ErrNone):
			return of.failed(err)
		}
		store := func(secret string) error { return of.table.Add(ctx, p, secret) }
		return a.newSecret(ctx, of, generated, store, "is added")
	})
}

func (a *app) rotateCommand() *cobra.Command {
	var generated, finish bool
	rotate := page("principals", "rotate KIND NAME")
	rotate.PreRunE = func(_ *cobra.Command, args []string) error {
		if finish && generated {
			return errors.New("--finish makes no new secret, so --generate has no meaning with it")
		}
		return mayGenerate(generated, kinds[args[0]])
	}
	rotate.Flags().BoolVar(&finish, "finish", false, "take the old secret away")
	rotate.Flags().BoolVar(&generated, "generate", false, "make a strong secret and print it")
	return a.onOne(rotate, func(ctx context.Context, of chosen) error {
		secret := principals.SecretField[of.kind]
		if finish {
			err := of.table.Finish(ctx, of.kind, of.name)
			return a.done(of, err,
				"has its new "+secret+" alone: the old "+secret+" lets nobody in any more"+of.cached(), "")
		}
		if _, err := of.table.Show(ctx, of.kind, of.name); err != nil { // before anybody is asked for a secret
			return of.failed(err)
		}
		store := func(secret string) error { return of.table.Rotate(ctx, of.kind, of.name, secret) }
		return a.newSecret(ctx, of, generated, store,
			"has a new "+secret+" beside the old one, which --finish takes away")
	})
}

// mayGenerate refuses a generated password.
func mayGenerate(generated bool, kind string) error {
	if generated && principals.SecretField[kind] == "password" {
		return errors.New("people choose their passwords: --generate is for an apiUser or an app")
	}
	return nil
}

// newSecret asks for a secret or generates one, gives it to store, and tells what
// happened to the principal. A generated one is printed, once it is stored.
func (a *app) newSecret(
	ctx context.Context, of chosen, generated bool, store func(secret string) error, happened string,
) error {
	if generated {
		secret := generate()
		return a.done(of, store(secret), happened, secret)
	}
	field := principals.SecretField[of.kind]
	secret, err := a.askSecret(ctx, field+" of "+of.kind+" "+of.name, func(secret string) error {
		if err := importer.CheckSecret(field, of.name, secret); err != nil {
			return of.failed(fmt.Errorf("%w; nothing is changed: call this again with another %s", err, field))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.done(of, store(secret), happened, "")
}
