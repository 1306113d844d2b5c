// Command customercare works on the data of a deployed stack, or of the local one of
// `make run`: records, principals, digest keys, erasures. `customercare --help` tells
// the rest.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"customercare/infra/deployment"
)

// Exit codes. What each means for a command is in its help.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitFound       = 3
	exitInterrupted = 130
)

// finding is the error of a command that is done and has something to tell.
type finding struct{ error }

// found makes a finding: records that were refused, checks that found a fault.
func found(format string, values ...any) error { return finding{fmt.Errorf(format, values...)} }

// misused is the end of a command that was called wrongly.
func misused(format string, values ...any) error {
	return deployment.Misused(fmt.Sprintf(format, values...))
}

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	a := &app{in: os.Stdin, out: os.Stdout, errs: os.Stderr}
	command, err := a.root().ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	code := exitFailed
	_, wrong := errors.AsType[deployment.Misused](err)
	if _, ok := errors.AsType[finding](err); ok {
		code = exitFound
	} else if wrong || !a.started { // cobra refused the call
		code = exitUsage
	}
	switch {
	case errors.Is(err, context.Canceled):
		code, err = exitInterrupted, errors.New("interrupted")
	case ctx.Err() != nil:
		code = exitInterrupted
	case code == exitUsage:
		err = fmt.Errorf("%w\nsee `%s --help`", err, command.CommandPath())
	}
	fmt.Fprintf(a.errs, "customercare: %v\n", err)
	return code
}
