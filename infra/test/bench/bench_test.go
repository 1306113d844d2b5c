package bench_test

import (
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"customercare/infra/bench"
	"customercare/infra/testkit/dynamotest"
)

// ready is a bench with everything built, on the tests' engine.
func ready(t *testing.T) *Bench {
	t.Helper()
	b := New(dynamotest.Root(), io.Discard, t.Logf)
	if b.Endpoint = os.Getenv("DYNAMODB_ENDPOINT"); b.Endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	if err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// At any size every figure is there, and every erasure leaves nothing: else the run
// fails.
func TestRun(t *testing.T) {
	p := plan{
		startRounds: 3, warmPerRound: 2, customerSizes: []customerSize{{3, 2}, {60, 1}},
		numbersInCall: 12, numberSizes: []numbersSize{{0, 1}, {3, 2}},
		clientRounds: 2, clientLoads: []clientLoad{{1, 5}, {8, 20}},
		peerSizes: []customerSize{{60, 1}}, busySize: customerSize{60, 1}, weatherSize: customerSize{60, 1},
		longPlan: longPlan{bulkSizes: []int{20}, statements: 300, logSizes: []int{400}, previewed: 500},
	}
	run, err := p.run(t.Context(), ready(t), bench.Tables)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		table, name, against string
		runs                 int
		goal                 string
	}{
		{"start", "delete-customer", "a hello with the same clients, that reads the keys, too", 2, "<= 1.15x"},
		{"start", "cleanup", "a hello with the same client", 2, "<= 1.15x"},
		{"start", "seal-ledger", "a hello with the same clients", 2, "<= 1.15x"},
		{"start", "read-erasures", "a hello with the same clients", 2, "<= 1.15x"},
		{"warm", "1 delete customer info", "", warmRounds, "<= 1.3x"},
		{"warm", "authorizer of 4, token", "", warmRounds, "<= 1.3x"},
		{"customers", "3 transactions", "", 2, ""}, {"customers", "60 transactions", "", 1, ""},
		{"numbers", "0 contacts each, gone", "", 1, ">= 0.9x"}, {"numbers", "3 contacts each, gone", "", 2, ">= 0.9x"},
		{"clients", "1 at once", "", 2, ">= 236 customers/s"}, {"clients", "8 at once", "", 2, ">= 236 customers/s"},
	} {
		f, err := run.Figure(want.table, want.name, want.against)
		if err != nil {
			t.Error(err)
		} else if f.Ours <= 0 || f.Floor <= 0 || f.Ratio <= 0 || f.Runs != want.runs || f.Goal != want.goal {
			t.Errorf("%+v, want %d runs and the goal %q", f, want.runs, want.goal)
		}
	}
	if f, err := run.Figure("numbers", "3 contacts each, accepted", ""); err != nil || f.Ours <= 0 ||
		f.Runs != 2 {
		t.Errorf("%+v, %v", f, err)
	}
	checkLong(t, run, p.longPlan)
	if _, err := os.Stat("/proc/self/status"); err != nil {
		return
	}
	for _, name := range []string{
		"authorize-operator, warm invocations", "delete-customer-info, warm invocations",
		"set-temporary-allow, warm invocations", "delete-customer, one customer", "delete-customer, many clients",
		"clean-customer-data, 12 numbers", "continue-erasure, 12 numbers",
	} {
		f, err := run.Figure("memory", name, "")
		if err != nil || f.Ours < 2 || !f.Met { // no Go program has less
			t.Errorf("%+v, %v", f, err)
		}
	}
}

// What is left is told, whoever left it.
func TestLeft(t *testing.T) {
	ctx := t.Context()
	s, err := ready(t).whole(ctx, "left")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.fillCustomers(ctx, 30, "one"); err != nil {
		t.Fatal(err)
	}
	if gone, err := s.gone(ctx, "one"); gone || err != nil {
		t.Errorf("a customer with 31 items counts as gone, or %v", err)
	}
	if err := s.nothingLeft(ctx, "Customers"); err == nil ||
		!strings.Contains(err.Error(), "31 items") {
		t.Errorf("31 items are not seen: %v", err)
	}
	if _, err := s.runFloor(ctx, 40, s.floorCommand(1, "one")); err == nil || !strings.Contains(err.Error(), "31 of 40") {
		t.Errorf("a floor that deletes too few: %v", err)
	}
	if gone, err := s.gone(ctx, "one"); !gone || err != nil {
		t.Errorf("a customer without items is not gone, %v", err)
	}
	if err := s.fillCustomers(ctx, 3, "two"); err != nil {
		t.Fatal(err)
	}
	if err := s.remove(ctx, "two"); err != nil {
		t.Fatal(err)
	}
	gone, err := s.gone(ctx, "two")
	if left := s.nothingLeft(ctx, "Customers"); !gone || err != nil || left != nil {
		t.Errorf("a tombstone counts as something left: %v, %v", err, left)
	}
	if err := s.nothingLeft(ctx, "Contacts"); err != nil {
		t.Error(err)
	}
	if err := s.fillContacts(ctx, []string{"n"}, 1); err != nil {
		t.Fatal(err)
	}
	if s.nothingLeft(ctx, "Contacts") == nil {
		t.Error("two copies are not seen")
	}
}

func TestFloorThatFails(t *testing.T) {
	b := ready(t)
	b.through = "http://127.0.0.1:1" // nobody listens there
	p, err := b.start(t.Context(), "fails", true, eraseFloor)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	command := object{"Table": "t", "Customers": []string{"c"}, "AtOnce": 1}
	if _, err := p.runFloor(t.Context(), 1, command); err == nil || !strings.Contains(err.Error(), "Query") {
		t.Errorf("a floor without a database: %v", err)
	}
}

// Memory counts the children that run where a function's binary lies, and no others.
func TestMemory(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs Linux")
	}
	bin := t.TempDir()
	for _, folder := range []string{"ours", "other/place"} {
		if err := os.MkdirAll(filepath.Join(bin, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		echo := exec.Command("cat")
		echo.Dir = filepath.Join(bin, folder)
		in, inErr := echo.StdinPipe()
		out, outErr := echo.StdoutPipe()
		if err := errors.Join(inErr, outErr, echo.Start()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = echo.Process.Kill(); _ = echo.Wait() })
		// Right after its start a process has no memory yet.
		if _, err := io.WriteString(in, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	got := (&Bench{Functions: bin}).memory("a nap")
	if len(got) != 1 || got[0].Case != "ours, a nap" || got[0].Ours < 0.1 || got[0].Ours > 64 {
		t.Errorf("%+v", got)
	}
}

func TestSelected(t *testing.T) {
	short, err := selected("", false)
	long, longErr := selected("", true)
	if errors.Join(err, longErr) != nil || len(short)+len(long) != len(bench.Tables) || long[0].Name != "weather" {
		t.Errorf("%v, %v, %v, %v", short, long, err, longErr)
	}
	some, err := selected("warm, memory", true)
	if err != nil || len(some) != 2 || some[0].Name != "warm" || some[1].Name != "memory" {
		t.Errorf("%v, %v", some, err)
	}
	for _, list := range []string{"1", "warm,", "warm clients", "Warm"} {
		if all, err := selected(list, false); err == nil {
			t.Errorf("%q is %v", list, all)
		}
	}
}

// None always comes after another.
func TestInTurn(t *testing.T) {
	var order []int
	step := func(n int) func() error { return func() error { order = append(order, n); return nil } }
	for round := range 3 {
		if err := inTurn(round, step(1), step(2)); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(order, []int{1, 2, 2, 1, 1, 2}) {
		t.Errorf("%v", order)
	}
}

func TestQuantile(t *testing.T) {
	if all := []float64{4, 1, 3, 2}; median(all) != 2.5 || quantile(all, 1) != 4 || quantile(all, 0) != 1 ||
		all[0] != 4 {
		t.Errorf("%v, %v", median(all), quantile(all, 1))
	}
	if !math.IsNaN(median(nil)) || median([]float64{7}) != 7 {
		t.Error("the median of none or one")
	}
}

// Rounds are compared one by one: a slow moment of the machine is in both sides.
func TestRatioIsTheMedianOfRatios(t *testing.T) {
	f := pairs{[]float64{3, 30, 4}, []float64{2, 20, 1}}.figure("start", "x", "ms").AtMost(1.5)
	if f.Ratio != 1.5 || !f.Met || f.Ours != 4 || f.Floor != 2 || f.Runs != 3 || f.Goal != "<= 1.5x" {
		t.Errorf("%+v", f)
	}
	if f := (pairs{[]float64{16}, []float64{10}}).figure("start", "x", "ms").AtMost(1.5); f.Met {
		t.Errorf("%+v", f)
	}
	if f := (pairs{[]float64{8}, []float64{10}}).figure("numbers", "x", "1/s").AtLeast(0.9); f.Met ||
		f.Goal != ">= 0.9x" {
		t.Errorf("%+v", f)
	}
}
