// Command smoke tries every operation of a deployed stack and looks in its tables whether what was said has happened; see
// package probe. It puts throw-away records of its own in, and removes them again.
//
//	STACK=customercare smoke                        a stack in AWS, at its own address
//	STACK=customercare API_URL=https://... smoke    at another address, such as a domain of one's own
//	API_URL=http://127.0.0.1:3000 smoke             the stack of `make run`
//
// See package deployment for all variables. The caller's credentials must allow to read, write and delete items of the tables
// Users, Customers, Contacts and Principals, and to read those of Erasures. It exits with 1 when any check failed or was not
// made. Ctrl-C ends it early, a second one at once, which leaves what it put in.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"customercare/infra/deployment"
	"customercare/infra/probe"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader of the output that goes away must not keep it from removing its records
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	calm := context.AfterFunc(ctx, func() {
		stop()
		fmt.Fprintln(os.Stderr, "smoke: interrupted: the call under way is finished, then everything is removed")
	})
	defer calm()
	if err := smoke(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}

func smoke(ctx context.Context) error {
	d, err := deployment.Find(ctx)
	if err != nil {
		return err
	}
	counts, err := probe.Run(ctx, probe.Options{Deployment: d, Out: os.Stdout})
	if err == nil && !counts.Green() {
		err = errors.New("not everything is as it should be")
	}
	return err
}
