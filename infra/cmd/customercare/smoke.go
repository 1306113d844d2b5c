package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/probe"
)

func (a *app) smokeCommand() *cobra.Command {
	return a.does(page("", "smoke"), func(ctx context.Context, d *deployment.Deployment, _ []string) error {
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
		if ctx.Err() != nil {
			failed := ""
			if counts.Failed > 0 {
				failed = fmt.Sprintf(", %d failed", counts.Failed)
			}
			return fmt.Errorf("interrupted: %s not made%s", plural(counts.NotMade, "check", "checks"), failed)
		}
		return errors.New("not everything is as it should be")
	})
}
