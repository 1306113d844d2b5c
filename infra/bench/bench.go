// Package bench measures what the functions do against what is possible, side by side in
// one run: the floors (infra/bench/floor) are minimal programs that make only the
// DynamoDB calls that the work needs. results.json has the figures; docs/performance.md
// and the README's table are written from them.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"customercare/infra/local/engine"
)

// plan is how much is measured, and how often.
type plan struct {
	startRounds   int // the first does not count
	warmPerRound  int // invocations of either side
	customerSizes []customerSize
	numbersInCall int
	numberSizes   []numbersSize
	clientRounds  int // pairs of ours and the floor's
	clientLoads   []clientLoad
}

// full is the plan of `make bench`.
var full = plan{
	startRounds: 31, warmPerRound: 100,
	customerSizes: []customerSize{{10, 11}, {1_000, 7}, {100_000, 3}},
	numbersInCall: 1000, numberSizes: []numbersSize{{0, 5}, {10, 3}},
	clientRounds: 5, clientLoads: []clientLoad{{1, 250}, {8, 400}, {32, 400}},
}

// table is one table of the page. Each has a file of its own.
type table struct {
	name, title, against string
	measure              func(plan, context.Context, *Bench) ([]Figure, error) // nil: others bring its figures
}

// tables are in the order of the page.
var tables = []table{
	{"start", "Process start to the first question for work", "a hello with the same SDK", plan.starts},
	{"warm", "Warm invocation through the Runtime API, p50", "only the same DynamoDB calls", plan.warm},
	{"customers", "Erasing one customer, by the number of transactions", "the same deletions alone", plan.customers},
	{"numbers", "1000 numbers in one call, by the contacts of each", "the same deletions alone", plan.numbers},
	{"clients", "Customers erased over HTTP, 3 transactions each", "the same deletions alone", plan.clients},
	{"memory", "Peak memory of each function under these loads", "the smallest Lambda", nil},
}

// tableNumber is a table's place on the page, -1 when there is none of that name.
func tableNumber(name string) int {
	return slices.IndexFunc(tables, func(t table) bool { return t.name == name })
}

// atMost is how long a run may take on a slow machine. It takes less than five minutes on
// two idle cores.
const atMost = 15 * time.Minute

// Run measures, prints the tables to out and progress to progress, and writes
// results.json and the pages. With names of tables in list, such as "warm,clients", it
// measures these only and writes nothing. An error is something that could not be
// measured; a missed goal is a figure like any other. It ends everything it started, also
// when ctx ends.
func Run(ctx context.Context, root, list string, out, progress io.Writer) error {
	only, err := selected(list)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, fmt.Errorf("not done within %s", atMost))
	defer cancel()
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "%5.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	log, err := os.Create(filepath.Join(root, ".cache", "bench.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	say("builds the functions and the floors")
	b := New(root, log, say)
	if err := b.Build(ctx); err != nil {
		return err
	}
	run, err := full.run(ctx, b, only)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	text, textErr := run.Markdown()
	fmt.Fprintf(out, "%sIt took %.0f s. The functions' log is %s.\n", text, time.Since(began).Seconds(), log.Name())
	if err = errors.Join(err, textErr); err != nil || list != "" {
		return err
	}
	if err := run.Write(filepath.Join(root, filepath.FromSlash(resultsFile))); err != nil {
		return err
	}
	return WritePages(root)
}

// run measures tables, each with an engine of its own: one that has made a few thousand
// transactions before is slower.
func (p plan) run(ctx context.Context, b *Bench, only []table) (run File, err error) {
	run = File{When: time.Now().UTC().Truncate(time.Second), Machine: thisMachine()}
	var faults []error
	for _, t := range only {
		if t.measure == nil {
			continue
		}
		b.Say("%s", t.title)
		database, err := engine.Start(ctx, engine.Options{})
		if err != nil {
			return run, err
		}
		own := *b
		own.Endpoint, run.Machine.Engine = database.Endpoint, database.Name
		figures, err := t.measure(p, ctx, &own)
		database.Close()
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", t.name, err))
		}
		run.Figures = append(run.Figures, figures...)
	}
	return run, errors.Join(append(faults, run.Check())...)
}

// selected are the tables of a list such as "warm,clients".
func selected(list string) (some []table, err error) {
	if list == "" {
		return tables, nil
	}
	for _, name := range strings.Split(list, ",") {
		at := tableNumber(strings.TrimSpace(name))
		if at < 0 {
			return nil, fmt.Errorf("there is no table %q to measure", name)
		}
		some = append(some, tables[at])
	}
	return some, nil
}

// resultsFile has the figures, from the repository's root.
const resultsFile = "infra/bench/results.json"
