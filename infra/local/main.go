// Command local runs the whole stack on this machine: it builds the functions, starts DynamoDB Local, creates the
// tables of template.yaml, loads the demo data and serves the API on 127.0.0.1 until it is told to end.
//
// Environment: PORT (3000), SECRETS_PORT (3001), DYNAMODB_PORT (8000), DYNAMODB_ENDPOINT (a DynamoDB that runs already),
// DATA_DIR (keeps the tables there), SCHEDULE_EVERY (such as 2s, instead of the schedules' own rates).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := readSettings(os.Getenv)
	if err == nil {
		err = run(ctx, settings)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}
