// Command bench measures what the functions do against what is possible, side by side in one run: the floors are minimal
// programs that make only the DynamoDB calls that the work needs. It prints a table for each of result.Titles, writes
// infra/bench/results.json and the pictures beside it, and puts the tables into the README.
//
// BENCH_ONLY (such as 1,4) measures these tables only, and writes nothing unless BENCH_WRITE is 1: then the other tables stay
// as they are. BENCH_MINUTES (8) bounds it. It ends everything it started, also on Ctrl-C. Its exit code is 1 when something could not be measured; a
// missed goal is a figure like any other.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/project"
)

// minutes is how long it all may take, when BENCH_MINUTES does not say otherwise. The largest customer of table 5 gets what is
// left of it.
const minutes = 8

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := bench(ctx, os.Stdout)
	if err != nil && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, out io.Writer) error {
	only, err := tables(os.Getenv("BENCH_ONLY"))
	if err != nil {
		return err
	}
	root, err := project.Root()
	if err != nil {
		return err
	}
	atMost := minutes * time.Minute
	if text := os.Getenv("BENCH_MINUTES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 60 {
			return fmt.Errorf("BENCH_MINUTES must be a whole number from 1 to 60, not %q", text)
		}
		atMost = time.Duration(n) * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, fmt.Errorf("not done within %s", atMost))
	defer cancel()
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%5.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	name := filepath.Join(root, ".cache", "bench.log")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	log, err := os.Create(name)
	if err != nil {
		return err
	}
	defer log.Close()
	say("builds the functions and the floors, starts the engine")
	s, end, err := setup.Prepare(ctx, root, log, say)
	defer end()
	if err != nil {
		return err
	}
	s.Only = only
	took := []string{fmt.Sprintf("set-up %.0f s", time.Since(began).Seconds())}
	run, measured, failed := result.File{}, []int(nil), []error(nil)
	for _, m := range measurements {
		if !slices.ContainsFunc(m.tables, s.Wants) {
			continue
		}
		say("%s", m.name)
		start := time.Now()
		got, err := m.measure(ctx, s)
		if err == nil {
			err = got.Check()
		}
		took = append(took, fmt.Sprintf("%s %.0f s", m.name, time.Since(start).Seconds()))
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			failed = append(failed, fmt.Errorf("%s: %w", m.name, err))
			continue
		}
		wanted := slices.DeleteFunc(slices.Clone(m.tables), func(table int) bool { return !s.Wants(table) })
		measured = append(measured, wanted...)
		run.Add(wanted, got)
	}
	run.When = time.Now().UTC().Truncate(time.Second)
	run.Machine = result.ThisMachine(s.Engine)
	fmt.Fprintln(out, run.Markdown(picturesIn))
	fmt.Fprintf(out, "It took %.0f s: %s. The functions' log is %s.\n", time.Since(began).Seconds(), strings.Join(took, ", "), name)
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	if only != nil && os.Getenv("BENCH_WRITE") != "1" {
		return nil
	}
	return write(root, run, measured, only != nil, out)
}

// tables reads a list such as "1,4"; nil for none, which stands for all.
func tables(list string) (all []int, err error) {
	if list == "" {
		return nil, nil
	}
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > len(result.Titles) {
			return nil, fmt.Errorf("BENCH_ONLY must list tables from 1 to %d, not %q", len(result.Titles), text)
		}
		all = append(all, n)
	}
	return all, nil
}
