// Package usual measures the same erasure as it is usually written, in Python with boto3, against ours (table 8).
package usual

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/local/process"
	"customercare/shared/store"
)

// way is a script beside this file, and how much faster we are to be.
type way struct {
	script, name string
	goal         float64
}

var ways = []way{
	{"batch_writer.py", "boto3 batch_writer", 5},
	{"delete_item.py", "boto3 delete_item, one at a time", 20},
}

// plan is how much is erased. The ways get seconds each time, of a customer of their own: all of it would take them minutes,
// and a part tells the rate.
type plan struct {
	transactions int // of our customer
	theirs       int // of theirs
	seconds      float64
}

// rounds is how often each way is run: once before and once after our erasure, so that a machine that becomes faster or
// slower meanwhile treats both alike.
const rounds = 2

// Measure fills table 8. Without python3 and boto3 only our rate is measured.
func Measure(ctx context.Context, s setup.Setup) (result.Measured, error) {
	return plan{transactions: 100_000, theirs: 60_000, seconds: 2.5}.measure(ctx, s)
}

func (p plan) measure(ctx context.Context, s setup.Setup) (all result.Measured, err error) {
	python := interpreter(ctx)
	b, err := bed.Start(ctx, s, "usual-")
	if err != nil {
		return all, err
	}
	defer b.Close()
	s.Say("loading customers with %d and %d transactions", p.transactions, p.theirs)
	const warm, ours, theirs = "warm", "ours", "theirs"
	for _, c := range []struct {
		code         string
		transactions int
	}{{warm, 1000}, {ours, p.transactions}, {theirs, p.theirs}} {
		if err := bed.FillCustomers(ctx, b.DynamoDB(), b.Table("Customers"), []string{c.code}, c.transactions); err != nil {
			return all, err
		}
	}
	if err := b.Clean(ctx, []string{"nobody"}); err != nil { // starts a worker, which our erasure will need
		return all, err
	}
	if _, err := b.Erase(ctx, warm); err != nil {
		return all, err
	}
	did := make([]part, len(ways))
	var rate float64 // ours, in items a second
	for round := range rounds {
		for i, w := range ways {
			if python == "" {
				continue
			}
			s.Say("erasing with %s", w.name)
			more, err := p.run(ctx, s, python, w.script, b.Table("Customers"), store.CustomerKey(bed.Account, theirs))
			if err != nil {
				return all, err
			}
			did[i].Deleted += more.Deleted
			did[i].Seconds += more.Seconds
		}
		if round == 0 {
			s.Say("erasing a customer with %d transactions", p.transactions)
			took, err := b.Erase(ctx, ours)
			if err != nil {
				return all, err
			}
			rate = float64(p.transactions) / took.Seconds()
		}
	}
	most, err := rest(ctx, store.Customers{DB: b.DynamoDB(), Table: b.Table("Customers")}, theirs)
	if err != nil {
		return all, err
	}
	for i, w := range ways {
		if python != "" && did[i].Deleted < 100 {
			return all, fmt.Errorf("%s deleted %d items in %.1f s: too few to tell its rate", w.script, did[i].Deleted, did[i].Seconds)
		}
		all.Figures = append(all.Figures, w.figure(p, rate, most, did[i]))
	}
	return all, nil
}

// mostStreams delete what DynamoDB Local takes at all; more do not make it faster.
const mostStreams = 8

// rest deletes what the scripts have left of the customer, and says at which rate: it is the most that anybody reaches on this
// machine.
func rest(ctx context.Context, customers store.Customers, code string) (float64, error) {
	var records []string
	for after, first := "", true; first || after != ""; first = false {
		page, err := customers.Read(ctx, store.CustomerKey(bed.Account, code), after)
		if err != nil {
			return 0, err
		}
		records, after = append(records, page.Records...), page.Next
	}
	began := time.Now()
	if err := customers.Delete(ctx, &store.Job{Scope: bed.Account, Identifiers: []string{code}}, records, mostStreams); err != nil {
		return 0, err
	}
	return float64(len(records)) / time.Since(began).Seconds(), nil
}

// part is what a script has done of the erasure.
type part struct {
	Deleted int
	Seconds float64
}

// figure compares our rate with the way's over all rounds. most is what DynamoDB Local takes at all: where even that misses
// the goal, nobody can reach it here.
func (w way) figure(p plan, ours, most float64, did part) result.Figure {
	f := result.Figure{
		Table: 8, Case: fmt.Sprintf("%d transactions", p.transactions), Unit: "items/s", Ours: ours, Against: w.name, Runs: 1, Met: true,
		Also: []result.Number{{Name: "in all", Value: float64(p.transactions) / ours, Unit: "s"}},
	}
	if did.Deleted == 0 {
		f.Note = "python3 with boto3 is not installed here"
		return f
	}
	f.Floor, f.Runs = float64(did.Deleted)/did.Seconds, rounds
	f.Ratio = f.Ours / f.Floor
	f.Goal = fmt.Sprintf(">= %.0fx", w.goal)
	f.Met = f.Ratio >= w.goal
	f.Also = append(f.Also, result.Number{Name: "theirs", Value: float64(p.transactions) / f.Floor, Unit: "s"},
		result.Number{Name: fmt.Sprintf("the most that DynamoDB Local takes, %d streams", mostStreams), Value: most, Unit: "items/s"})
	if !f.Met && most/f.Floor < w.goal {
		f.Note = fmt.Sprintf("With %d streams that do nothing else DynamoDB Local takes %.1f times their rate, and it takes no more: nobody reaches the goal on it.", mostStreams, most/f.Floor)
	}
	return f
}

// run lets a script erase for a while.
func (p plan) run(ctx context.Context, s setup.Setup, python, script, table, customer string) (did part, err error) {
	cmd := exec.Command(python, filepath.Join(s.Root, "infra", "bench", "usual", script), s.Endpoint, table, customer, strconv.FormatFloat(p.seconds, 'f', -1, 64))
	cmd.Env = environment()
	out, err := output(ctx, cmd)
	if err != nil {
		return did, fmt.Errorf("%s: %w", script, err)
	}
	if err := json.Unmarshal(out, &did); err != nil {
		return did, fmt.Errorf("%s said %q: %w", script, out, err)
	}
	return did, nil
}

// interpreter is the python3 that has boto3, "" where there is none.
func interpreter(ctx context.Context) string {
	python, err := exec.LookPath("python3")
	if err != nil {
		return ""
	}
	cmd := exec.Command(python, "-c", "import boto3")
	cmd.Env = environment()
	if _, err := output(ctx, cmd); err != nil {
		return ""
	}
	return python
}

// environment is this process's without anything that would lead the scripts elsewhere: AWS's settings and proxies. Nor do
// they leave compiled files behind.
func environment() []string {
	env := []string{"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "PYTHONDONTWRITEBYTECODE=1"}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		if !strings.HasPrefix(name, "AWS_") && !strings.HasSuffix(name, "_PROXY") && !strings.HasPrefix(name, "PYTHON") {
			env = append(env, variable)
		}
	}
	return env
}

// output runs a command, which ends with ctx, and gives what it printed.
func output(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := process.Start(cmd); err != nil {
		return nil, err
	}
	unbind := context.AfterFunc(ctx, func() { process.Kill(cmd) })
	defer unbind()
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaints.Bytes()))
	}
	return out.Bytes(), nil
}
