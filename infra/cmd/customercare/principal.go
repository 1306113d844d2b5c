package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
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

func (c chosen) String() string { return title(c.kind) + " " + c.name + " of " + c.where }

// failed puts whom an error is about before it.
func (c chosen) failed(err error) error { return fmt.Errorf("%s: %w", c, err) }

// done tells what has happened to a principal, or gives the error of why it has not.
func (a *app) done(to chosen, err error, happened string) error {
	if err != nil {
		return to.failed(err)
	}
	a.tell("%s %s", to, happened)
	return nil
}

// onOne gives a command its work on the one principal that its arguments KIND and NAME
// name.
func (a *app) onOne(command *cobra.Command, do func(context.Context, chosen) error) *cobra.Command {
	command.Args = func(cmd *cobra.Command, args []string) error {
		err := cobra.ExactArgs(2)(cmd, args)
		if err == nil && kinds[args[0]] == "" {
			err = fmt.Errorf("%q is no kind of principal: it is operator, api-user or app", args[0])
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
	command.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
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
