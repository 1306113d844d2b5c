package units

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/bench"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// TestUnits counts exactly, and holds units.json against it: the guard against taking
// more unnoticed. With -v it shows every call.
func TestUnits(t *testing.T) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	root := dynamotest.Root()
	if err := stack.Build(t.Context(), root, filepath.Join(root, ".cache", "bin")); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	all, own, err := Scenario(t.Context(), endpoint, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	own.Lines, own.Metrics = lines(log.Bytes()), metrics(log.Bytes(), own.Runs)
	holdsOwn(t, root, own)
	var counted []bench.Counted
	for _, op := range all {
		counted = append(counted, op.Counted)
		goals(t, op)
	}
	if os.Getenv("UPDATE") == "1" {
		if err := writeCounted(root, counted); err != nil {
			t.Fatal(err)
		}
		if err := bench.WritePages(root); err != nil {
			t.Fatal(err)
		}
	}
	expected, err := bench.ReadCounted(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(expected) {
		t.Fatalf("%d operations were counted, infra/bench/units.json has %d", len(all), len(expected))
	}
	for i, op := range all {
		if op.Counted != expected[i] {
			t.Errorf("counted %+v\nunits.json has %+v\n%s", op.Counted, expected[i], listed(op))
			continue
		}
		t.Logf("%s, bounds: bare %v, with evidence %v in the request and %v behind\n%s",
			op.Name, op.Bare.Total(), op.Evident.Request, op.Evident.Background, listed(op))
	}
}

// writeCounted writes units.json, one operation a line.
func writeCounted(root string, all []bench.Counted) error {
	lines := make([]string, len(all))
	for i, c := range all {
		line, err := json.Marshal(c)
		if err != nil {
			return err
		}
		lines[i] = "  " + string(line)
	}
	text := "[\n" + strings.Join(lines, ",\n") + "\n]\n"
	return os.WriteFile(filepath.Join(root, filepath.FromSlash(bench.UnitsFile)), []byte(text), 0o644)
}

// mostTrips is the goal of operation 3 with as many transactions as one batch takes.
const mostTrips = 6

// mostWrites is how many times the write units of the bound with evidence an erasure may
// take.
const mostWrites = 1.3

// goals fails where an operation takes more than it is to take.
func goals(t *testing.T, op Operation) {
	t.Helper()
	switch op.Function {
	case operation.DeleteCustomerInfo.Name, operation.SetTemporaryAllow.Name,
		operation.SetTemporaryAllow.Authorizer, operation.CleanCustomerData.Authorizer:
		if op.Request != op.Evident.Request && op.Request != (Count{}) {
			t.Errorf("%s takes %v, the goal is its bound %v", op.Name, op.Request, op.Evident.Request)
		}
	}
	ours, bound := op.Request.Plus(op.Background).Writes, op.Evident.Total().Writes
	if erases := op.Function == forCustomer || op.Function == forNumbers; erases && bound > 0 && ours > mostWrites*bound {
		t.Errorf("%s takes %g write units, the goal is at most %g times its bound %g", op.Name, ours, mostWrites, bound)
	}
	if op.oneBatch && op.Request.Trips > mostTrips {
		t.Errorf("%s takes %d round trips, the goal is %d", op.Name, op.Request.Trips, mostTrips)
	}
}

// listed is an operation's calls, equal ones as one, in the order of their first.
func listed(op Operation) string {
	var b strings.Builder
	list := func(what string, calls []Trip) {
		fmt.Fprintf(&b, "    %s %v\n", what, count(calls))
		times, order := map[string]int{}, []string{}
		for _, c := range calls {
			if times[c.String()]++; times[c.String()] == 1 {
				order = append(order, c.String())
			}
		}
		for _, call := range order {
			fmt.Fprintf(&b, "%9dx %s\n", times[call], call)
		}
	}
	list("request", op.request)
	list(fmt.Sprintf("background, %d workers", op.Workers), op.background)
	return b.String()
}
