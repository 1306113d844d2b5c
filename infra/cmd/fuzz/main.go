// Command fuzz runs every fuzz target of the module, one after another, each for
// FUZZTIME, and prints for each how many inputs were tried and whether one failed, then
// the totals. It ends with 1 when one did: its input is then a file in the package's
// testdata/fuzz, which `make test` tries from then on. Arguments are parts of "package
// FuzzTarget", all of which a target must have.
//
//	make fuzz FUZZTIME=5m ONLY="shared/store FuzzKey"
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	duration, err := time.ParseDuration(os.Getenv("FUZZTIME"))
	if err != nil || duration <= 0 {
		end("FUZZTIME must be a time such as 20s or 5m")
	}
	list, err := command(ctx, "test", "-list", "^Fuzz", "./...").Output()
	if err != nil {
		end(fmt.Sprintf("the targets cannot be listed: %v\n%s", err, list))
	}
	targets := slices.DeleteFunc(parse(string(list)), func(t target) bool {
		return slices.ContainsFunc(os.Args[1:],
			func(part string) bool { return !strings.Contains(t.pkg+" "+t.name, part) })
	})
	if len(targets) == 0 {
		end("there is no such target")
	}
	total, failures := 0, 0
	for _, t := range targets {
		inputs, failed := t.run(ctx, duration)
		if ctx.Err() != nil {
			end("interrupted")
		}
		total, failures = total+inputs, failures+failed
		fmt.Printf("%-36s %-18s %10d inputs  %d failures\n", strings.TrimPrefix(t.pkg, "customercare/"), t.name,
			inputs, failed)
	}
	fmt.Printf("fuzz: %d targets of %s each, %d inputs, %d failures\n", len(targets), duration, total, failures)
	os.Exit(min(failures, 1))
}

func end(sentence string) {
	fmt.Fprintln(os.Stderr, sentence)
	os.Exit(1)
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
