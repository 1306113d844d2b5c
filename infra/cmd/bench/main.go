// Command bench is `make bench`: it measures the functions beside what is possible,
// prints the tables, and writes infra/bench/results.json, docs/performance.md and the
// table in README.md. BENCH_ONLY=warm,clients measures these tables only, and writes
// nothing. The exit code is 1 when something could not be measured.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"customercare/infra/bench"
	"customercare/infra/project"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	root, err := project.Root()
	if err == nil {
		err = bench.Run(ctx, root, os.Getenv("BENCH_ONLY"), os.Stdout, os.Stderr)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
