// Package fuzz is `make fuzz`.
package fuzz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFuzz runs every fuzz target of the module, one after another, each for FUZZTIME. It
// prints for each how many inputs were tried and whether one failed, then the totals. It
// fails when one did: its input is then a file in the package's testdata/fuzz, which
// `make test` tries from then on. ONLY is parts of "package FuzzTarget", all of which a
// target must have:
//
//	make fuzz FUZZTIME=5m ONLY="shared/store FuzzKey"
func TestFuzz(t *testing.T) {
	if os.Getenv("FUZZTIME") == "" {
		t.Skip("runs with `make fuzz`")
	}
	duration, err := time.ParseDuration(os.Getenv("FUZZTIME"))
	if err != nil || duration <= 0 {
		t.Fatal("FUZZTIME must be a time such as 20s or 5m")
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	list, err := command(ctx, "test", "-list", "^Fuzz", "customercare/...").Output()
	if err != nil {
		t.Fatalf("the targets cannot be listed: %v\n%s", err, list)
	}
	targets := slices.DeleteFunc(parse(string(list)), func(t target) bool {
		return slices.ContainsFunc(strings.Fields(os.Getenv("ONLY")),
			func(part string) bool { return !strings.Contains(t.pkg+" "+t.name, part) })
	})
	if len(targets) == 0 {
		t.Fatal("there is no such target")
	}
	total, failures := 0, 0
	for _, target := range targets {
		inputs, failed := target.run(ctx, duration)
		if ctx.Err() != nil {
			t.Fatal("interrupted")
		}
		total, failures = total+inputs, failures+failed
		fmt.Printf("%-36s %-18s %10d inputs  %d failures\n", strings.TrimPrefix(target.pkg, "customercare/"),
			target.name, inputs, failed)
	}
	fmt.Printf("fuzz: %d targets of %s each, %d inputs, %d failures\n", len(targets), duration, total, failures)
	if failures > 0 {
		t.Fail()
	}
}

// target is one fuzz target. go test runs one at a time.
type target struct{ pkg, name string }

// parse reads go test's list: a package's targets, a line each, then the package's own
// line.
func parse(list string) (targets []target) {
	var names []string
	for line := range strings.Lines(list) {
		switch fields := strings.Fields(line); {
		case len(fields) == 1 && strings.HasPrefix(line, "Fuzz"):
			names = append(names, fields[0])
		case len(fields) > 1 && fields[0] == "ok":
			for _, name := range names {
				targets = append(targets, target{fields[1], name})
			}
			names = nil
		}
	}
	return targets
}

// run fuzzes t, and prints all that go test says when it failed.
func (t target) run(ctx context.Context, duration time.Duration) (inputs, failed int) {
	// A target that hangs would be waited for for ever, but each input has a watchdog
	// (bounds.Check).
	ctx, cancel := context.WithTimeout(ctx, duration+5*time.Minute)
	defer cancel()
	output, err := command(ctx, "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", duration.String(),
		"-fuzzminimizetime", "500x", t.pkg).CombinedOutput()
	inputs, failed = judge(string(output), err)
	if failed > 0 {
		fmt.Printf("%s%v\n", output, err)
	}
	return inputs, failed
}

// progress is go test's line every three seconds, and at its end.
var progress = regexp.MustCompile(`(?m)^fuzz: elapsed: \S+ execs: (\d+) `)

// judge reads what go test said. No input is a failure: go test finds nothing wrong with
// a target that it did not run. The end of the time is none, though go test may say so, a
// race that Go 1.27 mends (golang/go#75804): then the target's own lines, which name a
// file, and an input are missing.
func judge(output string, err error) (inputs, failed int) {
	if all := progress.FindAllStringSubmatch(strings.ReplaceAll(output, ",", ""), -1); all != nil {
		inputs, _ = strconv.Atoi(all[len(all)-1][1])
	}
	ranOut := strings.Contains(output, "\n    context deadline exceeded\n") &&
		!strings.Contains(output, ".go:") && !strings.Contains(output, "Failing input written")
	if err != nil && !ranOut || inputs == 0 {
		failed = 1
	}
	return inputs, failed
}

// command is one of go that is interrupted, not killed, when ctx ends, so that it ends
// its processes.
func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func TestParse(t *testing.T) {
	got := parse("FuzzA\nFuzzB\nok  \tcustomercare/x\t0.012s\n?   \tcustomercare/y\t[no test files]\n" +
		"ok  \tcustomercare/z\t0.1s\nFuzzA\nok  \tcustomercare/shared/store\t(cached)\n")
	want := []target{{"customercare/x", "FuzzA"}, {"customercare/x", "FuzzB"}, {"customercare/shared/store", "FuzzA"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// The last line of progress counts; a race at the end of the time is no failure.
func TestJudge(t *testing.T) {
	const (
		start  = "fuzz: elapsed: 0s, gathering baseline coverage: 0/4 completed\nfuzz: elapsed: 3s, execs: 95 (31/sec), new interesting: 0 (total: 4)\n"
		passed = start + "fuzz: elapsed: 5s, execs: 12345 (61/sec), new interesting: 0 (total: 4)\nPASS\nok  \tcustomercare/x\t5.0s"
		late   = "fuzz: elapsed: 31s, execs: 38602 (0/sec), new interesting: 8 (total: 12)\n--- FAIL: FuzzEvent (31.01s)\n    "
	)
	exit := errors.New("exit status 1")
	for _, test := range []struct {
		output         string
		err            error
		inputs, failed int
	}{
		{passed, nil, 12345, 0},
		{start, exit, 95, 1},
		{"PASS\n", nil, 0, 1},
		{late + "context deadline exceeded\nFAIL\nexit status 1\n", exit, 38602, 0},
		{late + "--- FAIL: FuzzEvent (0.00s)\n        fuzz_test.go:12: status 500\n    context deadline exceeded\n",
			exit, 38602, 1},
		{late + "fuzzing process hung or terminated unexpectedly: exit status 2\n    Failing input written to testdata/fuzz/FuzzEvent/0\n", exit, 38602, 1},
	} {
		if inputs, failed := judge(test.output, test.err); inputs != test.inputs || failed != test.failed {
			t.Errorf("%q: %d inputs, %d failures", test.output, inputs, failed)
		}
	}
}

// go test says PASS when there is no such target.
func TestNothingTried(t *testing.T) {
	if inputs, failed := (target{"customercare/infra/test/fuzz", "FuzzNothing"}).run(t.Context(),
		time.Second); inputs != 0 || failed != 1 {
		t.Errorf("%d inputs, %d failures", inputs, failed)
	}
}
