// Package bench_test is `make bench`: it measures what the functions do beside what is
// possible, in one run. The floors (infra/bench/floor) are minimal programs that make
// only the DynamoDB calls that the work needs. infra/bench writes the pages from the
// figures.
package bench_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"customercare/infra/bench"
	"customercare/infra/local/engine"
	"customercare/infra/testkit/dynamotest"
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
	peerSizes     []customerSize
	busySize      customerSize
	weatherSize   customerSize
	longPlan
}

// full is the plan of `make bench` and `make bench-long`.
var full = plan{
	startRounds: 31, warmPerRound: 100,
	customerSizes: []customerSize{{10, 11}, {1_000, 7}, {100_000, 3}},
	numbersInCall: 1000, numberSizes: []numbersSize{{0, 5}, {10, 3}},
	clientRounds: 5, clientLoads: []clientLoad{{1, 250}, {8, 400}, {32, 400}},
	peerSizes: []customerSize{{1_000, 7}, {20_000, 3}}, busySize: customerSize{1_000, 5},
	weatherSize: customerSize{1_000, 5}, longPlan: fullLong(),
}

// measures are what brings the figures of each of bench.Tables, but of memory's, which
// the others bring. Each has a file of its own.
var measures = map[string]func(plan, context.Context, *Bench) ([]bench.Figure, error){
	"start": plan.starts, "warm": plan.warm, "customers": plan.customers, "numbers": plan.numbers,
	"clients": plan.clients, "peers": plan.peers, "busy": plan.busy, "weather": plan.weather,
	"bulk": plan.bulk, "sealing": plan.sealing, "verify": plan.verify, "preview": plan.preview,
}

// atMost is how long a run may take on a slow machine. It takes less than six minutes on
// two idle cores, one of the long tables less than half an hour.
const atMost, longAtMost = 15 * time.Minute, 90 * time.Minute

// TestBench is `make bench`, and `make bench-long` with BENCH=long: it measures, prints
// the tables, and writes results.json and the pages. With names of tables in BENCH_ONLY,
// such as "warm,clients", it measures these only, and writes them only with
// BENCH_WRITE=1. It fails when something could not be measured; a missed goal is a figure
// like any other.
func TestBench(t *testing.T) {
	long, atMost := os.Getenv("BENCH") == "long", atMost
	if long {
		atMost = longAtMost
	} else if os.Getenv("BENCH") != "1" {
		t.Skip("make bench measures at length, TestRun does in seconds")
	}
	list := os.Getenv("BENCH_ONLY")
	only, err := selected(list, long)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, fmt.Errorf("not done within %s", atMost))
	defer cancel()
	root, began := dynamotest.Root(), time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%5.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	log, err := os.Create(filepath.Join(root, ".cache", "bench.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	say("builds the functions and the floors")
	b := New(root, log, say)
	if err := b.Build(ctx); err != nil {
		t.Fatal(err)
	}
	run, err := full.run(ctx, b, only)
	if ctx.Err() != nil {
		t.Fatal(context.Cause(ctx))
	}
	text, textErr := run.Markdown()
	fmt.Printf("%sIt took %.0f s. The functions' log is %s.\n", text, time.Since(began).Seconds(), log.Name())
	if err = errors.Join(err, textErr); err != nil {
		t.Fatal(err)
	}
	if list != "" && os.Getenv("BENCH_WRITE") != "1" {
		return
	}
	name := filepath.Join(root, filepath.FromSlash(bench.ResultsFile))
	before, err := bench.ReadFile(name)
	if err == nil {
		err = before.With(run).Write(name)
	}
	if err = errors.Join(err, bench.WritePages(root)); err != nil {
		t.Fatal(err)
	}
}

// run measures tables, each with an engine of its own: one that has made a few thousand
// transactions before is slower.
func (p plan) run(ctx context.Context, b *Bench, only []bench.Table) (run bench.File, err error) {
	run = bench.File{Measured: map[string]bench.Measured{}}
	now, machine := time.Now().UTC().Truncate(time.Second), bench.ThisMachine()
	var faults []error
	for _, t := range only {
		measure, ok := measures[t.Name]
		if !ok { // memory's
			run.Measured[t.Name] = bench.Measured{When: now, Machine: machine}
			continue
		}
		b.Say("%s", t.Title)
		database, err := engine.Start(ctx, engine.Options{})
		if err != nil {
			return run, err
		}
		own := *b
		own.Endpoint, machine.Engine = database.Endpoint, database.Name
		run.Measured[t.Name] = bench.Measured{When: now, Machine: machine}
		figures, err := measure(p, ctx, &own)
		database.Close()
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", t.Name, err))
		}
		run.Figures = append(run.Figures, figures...)
	}
	return run, errors.Join(append(faults, run.Check())...)
}

// selected are the tables of a list such as "warm,clients"; of an empty one all that are
// long, or all that are not.
func selected(list string, long bool) (some []bench.Table, err error) {
	if list == "" {
		return slices.DeleteFunc(slices.Clone(bench.Tables), func(t bench.Table) bool { return t.Long != long }), nil
	}
	for _, name := range strings.Split(list, ",") {
		at := bench.TableNumber(strings.TrimSpace(name))
		if at < 0 {
			return nil, fmt.Errorf("there is no table %q to measure", name)
		}
		some = append(some, bench.Tables[at])
	}
	return some, nil
}
