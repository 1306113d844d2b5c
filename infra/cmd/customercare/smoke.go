package main

import (
	"context"
	"errors"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/probe"
)

func (a *app) smokeCommand() *cobra.Command {
	return a.does(&cobra.Command{
		Use:   "smoke",
		Short: "Try every operation, and look whether what was said has happened",
		Long: `Try every operation through the front door of a deployed stack, and look in its tables
whether what was said has happened, and nothing else. It puts throw-away records of its
own in and removes them again, also when it is interrupted (a second Ctrl-C ends it at
once, and leaves them).

It calls the output ApiUrl of the stack; API_URL names another address, such as a domain
of one's own. The credentials must allow to read, write and delete items of the tables
Users, Customers, Contacts and Principals, and to read those of Erasures.

Exit code: 1 when a check failed or was not made.`,
		Example: `  customercare smoke
  customercare smoke --stack customercare
  API_URL=https://care.example.com customercare smoke --stack customercare`,
	}, func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		// A reader of the output that goes away must not keep it from removing its
		// records.
		signal.Ignore(syscall.SIGPIPE)
		interrupted := context.AfterFunc(ctx, func() {
			a.tell("interrupted: the call under way is finished, then everything is removed")
		})
		defer interrupted()
		out := a.out
		if a.json { // the lines are for people
			out = a.errs
		}
		counts, err := probe.Run(ctx, probe.Options{Deployment: d, Out: out})
		if err != nil {
			return err
		}
		summary := map[string]int{"passed": counts.Passed, "failed": counts.Failed, "notMade": counts.NotMade}
		if err := a.print(summary); err != nil || counts.Green() {
			return err
		}
		return errors.New("not everything is as it should be")
	})
}
