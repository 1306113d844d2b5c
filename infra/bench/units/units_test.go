package units

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/local/stack"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// What every operation takes of DynamoDB today: the guard against taking more unnoticed. Whoever takes less puts the lower
// figure here.
var expected = []struct {
	name                string
	request, background Count
}{
	{"authorize-operator", Count{1, 2, 0}, Count{}},
	{"authorize-operator, cached", Count{}, Count{}},
	{"authorize-app", Count{1, 2, 0}, Count{}},
	{"1: cancelAllTemporaryAllows", Count{1, 0, 1}, Count{}},
	{"1: unregisterDevices", Count{1, 0, 1}, Count{}},
	{"1: reset", Count{1, 0, 1}, Count{}},
	{"2: set a temporary allow", Count{1, 0, 1}, Count{}},
	{"5: token", Count{2, 2, 1}, Count{}},
	{"3: 0 transactions", Count{4, 4, 5}, Count{3, 1, 8}},
	{"3: 3 transactions", Count{4, 4, 11}, Count{3, 1, 8}},
	{"3: 25 transactions", Count{6, 4, 33}, Count{3, 1, 8}},
	{"3: 1000 transactions", Count{45, 27, 1008}, Count{3, 1, 8}},
	{"3: repeat, still open", Count{3, 3, 1}, Count{}},
	{"4: 1 number", Count{1, 0, 2}, Count{6, 2, 10}},
	{"4: 10 numbers", Count{3, 0, 7}, Count{26, 22, 12}},
	{"4: 1000 numbers", Count{3, 0, 64}, Count{2006, 2008, 38}},
	{"4: 1000 numbers with 10 contacts each", Count{3, 0, 64}, Count{2257, 2008, 40071}},
	{"3: repeat after the end", Count{3, 3, 1}, Count{}},
	{"cleanup, nothing to do", Count{5, 2.5, 0}, Count{}},
}

// TestUnits counts exactly. With -v it shows every call.
func TestUnits(t *testing.T) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	root := dynamotest.Root()
	bin := filepath.Join(root, ".cache", "bin")
	if err := stack.Build(t.Context(), root, bin); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	all, err := Scenario(t.Context(), setup.Setup{Root: root, Endpoint: endpoint, Bin: bin, Log: &log})
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	if len(all) != len(expected) {
		t.Fatalf("%d operations were counted, %d are expected", len(all), len(expected))
	}
	// And the goals of table 3.
	template, err := template.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := figures(all, template)
	if err == nil {
		err = m.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Figures {
		if f.Table == 3 && !f.Met {
			t.Errorf("%s: %g, the goal is %s of %g", f.Case, f.Ours, f.Goal, f.Floor)
		}
	}
	t.Log("\n" + result.Markdown(m.Figures))
	for i, op := range all {
		want := expected[i]
		request, background := op.Counted()
		if op.Name != want.name || request != want.request || background != want.background {
			t.Errorf("%s: {%#v, %#v}, want %s: {%#v, %#v}\n%s", op.Name, request, background, want.name, want.request, want.background, listed(op))
			continue
		}
		t.Logf("%s, bounds: bare %v, with evidence %v in the request and %v behind\n%s", op.Name, op.Bare.Total(), op.Evident.Request, op.Evident.Background, listed(op))
	}
}

// listed is an operation's calls, equal ones as one, in the order of their first.
func listed(op Operation) string {
	var b strings.Builder
	list := func(what string, calls []Call) {
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
	list("request", op.Request)
	list(fmt.Sprintf("background, %d workers", op.Workers), op.Background)
	return b.String()
}
