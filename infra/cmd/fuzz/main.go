// Command fuzz runs every fuzz target of the module, one after another, each for FUZZTIME (20s), and prints for each how
// many inputs were tried and whether one failed, then the totals. It ends with 1 when one did: its input is then a file in
// the package's testdata/fuzz, which `make test` tries from then on. Arguments are parts of names ("delete-customer
// FuzzForm" all of whose parts must occur in "package FuzzTarget"); without any all targets run.
//
//	make fuzz FUZZTIME=5m
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	duration := 20 * time.Second
	if text := os.Getenv("FUZZTIME"); text != "" {
		var err error
		if duration, err = time.ParseDuration(text); err != nil || duration <= 0 {
			exit(fmt.Errorf("FUZZTIME must be a time such as 20s or 5m, not %q", text))
		}
	}
	targets, err := list(ctx, os.Args[1:])
	if err != nil {
		exit(err)
	}
	inputs, failures := int64(0), 0
	for _, t := range targets {
		tried, output, err := t.run(ctx, duration)
		if ctx.Err() != nil {
			exit(errors.New("interrupted"))
		}
		inputs += tried
		failed := 0
		if err != nil {
			failed = 1
			fmt.Printf("%s%v\n", output, err)
		}
		failures += failed
		fmt.Printf("%-36s %-18s %10d inputs  %d failures\n", strings.TrimPrefix(t.pkg, "customercare/"), t.name, tried, failed)
	}
	fmt.Printf("fuzz: %d targets of %s each, %d inputs, %d failures\n", len(targets), duration, inputs, failures)
	if failures > 0 {
		os.Exit(1)
	}
}

func exit(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// target is one fuzz target; the engine runs one at a time.
type target struct{ pkg, name string }

// list finds the module's targets whose package and name hold all of the parts.
func list(ctx context.Context, parts []string) (targets []target, err error) {
	out, err := command(ctx, "go", "test", "-list", "^Fuzz", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("the targets cannot be listed: %w\n%s", err, out)
	}
	targets = slices.DeleteFunc(parse(string(out)), func(t target) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(t.pkg+" "+t.name, part) })
	})
	if len(targets) == 0 {
		return nil, errors.New("there is no such target")
	}
	return targets, nil
}

// parse reads go test's list: the names of a package's targets, a line each, and behind them the package's own line.
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

// progress is the engine's line every three seconds, and at its end.
var progress = regexp.MustCompile(`^fuzz: elapsed: \S+ execs: (\d+) `)

// run fuzzes t. With an error, output is all that the engine said.
func (t target) run(ctx context.Context, duration time.Duration) (inputs int64, output string, err error) {
	// The engine itself would wait for a target that hangs for ever, but each input has a watchdog (bounds.Check).
	ctx, cancel := context.WithTimeout(ctx, duration+5*time.Minute)
	defer cancel()
	cmd := command(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", duration.String(), "-fuzzminimizetime", "500x", t.pkg)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 0, "", err
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	inputs, output = read(pipe)
	if err = cmd.Wait(); err != nil && ranOut(output) {
		err = nil
	}
	if err == nil && inputs == 0 { // go test finds nothing wrong with a target that it did not run
		err = errors.New("no input was tried")
	}
	return inputs, output + complaints.String(), err
}

// read takes in what the engine says, and gives how many inputs it tried.
func read(r io.Reader) (inputs int64, output string) {
	var all strings.Builder
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		if found := progress.FindStringSubmatch(strings.ReplaceAll(line, ",", "")); found != nil {
			inputs, _ = strconv.ParseInt(found[1], 10, 64)
		}
		if err != nil {
			return inputs, all.String()
		}
	}
}

// ranOut says that the engine took the end of its own time for a failure, a race that Go 1.27 mends (golang/go#75804): then
// the target's own lines, which name a file, and the failing input are missing.
func ranOut(output string) bool {
	return strings.Contains(output, "\n    context deadline exceeded\n") && !strings.Contains(output, ".go:") && !strings.Contains(output, "Failing input written")
}

// command is one that is interrupted, not killed, when ctx ends: go test then ends the engine's processes.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
