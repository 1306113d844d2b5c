// Command local runs the whole stack on this machine: it builds the functions, starts an engine of DynamoDB, creates the
// tables of template.yaml, loads the demo data and serves the API on 127.0.0.1 until it is told to end.
//
// Environment: PORT (3000), SECRETS_PORT (3001), DYNAMODB_PORT (8000), DYNAMODB_ENDPOINT (a DynamoDB that runs already),
// ENGINE (dynoxide, or dynamodb-local),
// DATA_DIR (keeps the tables there), SCHEDULE_EVERY (such as 2s, instead of the schedules' own rates),
// PARAMETERS (such as 'WriterLifetime=2s ClockSkew=0s', over the template's defaults),
// VERBOSE (1: also names what does not run locally), LOG (json: log lines on stderr), NO_COLOR.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := readSettings(env.ToMap(os.Environ()))
	c := newConsole(settings, os.Stdout, os.Stderr)
	if err == nil {
		err = run(ctx, settings, c)
	}
	if err != nil && ctx.Err() == nil {
		c.fail(err.Error())
		stop()
		os.Exit(1)
	}
	c.say("\nStopped.\n")
}
