// Command run runs the whole stack on this machine until Ctrl-C or SIGTERM: it builds the
// functions, starts a DynamoDB, creates the tables of template.yaml, loads the demo data
// and serves the API on 127.0.0.1. docs/deploy.md lists the variables that change it.
//
// On stdout there is one line, "ready <address> dynamodb <address>", for scripts. What a
// person reads goes to the terminal, if there is one; errors go to stderr in any case.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/caarlos0/env/v11"

	"customercare/infra/local"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := local.Run(ctx, env.ToMap(os.Environ()), os.Stdout, os.Stderr); err != nil {
		os.Exit(1)
	}
}
