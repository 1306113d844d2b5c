package metric_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"customercare/infra/testkit/metrictest"
	"customercare/shared/metric"
	"customercare/shared/operation"
)

func TestDeclarations(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range metric.All {
		if seen[m.Name] || !regexp.MustCompile(`^[A-Z][A-Za-z]+$`).MatchString(m.Name) {
			t.Errorf("%q stands twice or is no name", m.Name)
		}
		seen[m.Name] = true
		if m.Unit != "Count" && m.Unit != "Seconds" && m.Unit != "Milliseconds" {
			t.Errorf("%s has the unit %q", m.Name, m.Unit)
		}
		if m.Dimension != "" && m.Dimension != metric.Operation {
			t.Errorf("%s has the dimension %q", m.Name, m.Dimension)
		}
	}
	for _, operation := range operation.Functions() {
		if _, err := os.Stat(filepath.Join("..", "..", "functions", operation, "main.go")); err != nil {
			t.Error(err)
		}
	}
}

// The line to the letter, but for its times: what CloudWatch reads, and what a query of
// the log can count on.
func TestCall(t *testing.T) {
	log := metrictest.Capture(t)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "lambda-1"})
	began := time.Now()
	metric.CallLine{
		Operation:    "issue-token",
		Began:        began,
		Outcome:      metric.Refused,
		Status:       401,
		APIRequestID: "api-1",
	}.Log(ctx)
	got := log.String()
	for _, varying := range []string{`"time":"[^"]+"`, `"Latency":[0-9.]+`, `"Timestamp":[0-9]{13}`} {
		name, _, _ := strings.Cut(varying, ":")
		got = regexp.MustCompile(varying).ReplaceAllString(got, name+":?")
	}
	const want = `{"time":?,"level":"INFO","msg":"answered","Operation":"issue-token","status":401,"requestId":"lambda-1","apiRequestId":"api-1",` +
		`"Calls":1,"CallerErrors":1,"ServiceErrors":0,"Latency":?,"CallersRefused":1,` +
		`"_aws":{"Timestamp":?,"CloudWatchMetrics":[{"Namespace":"customercare","Dimensions":[["Operation"]],"Metrics":[` +
		`{"Name":"Calls","Unit":"Count"},{"Name":"CallerErrors","Unit":"Count"},{"Name":"ServiceErrors","Unit":"Count"},` +
		`{"Name":"Latency","Unit":"Milliseconds"},{"Name":"CallersRefused","Unit":"Count"}]}]}}` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if n := len(metrictest.Lines(t, log.String())); n != 1 {
		t.Errorf("%d lines", n)
	}
}

func TestOutcomes(t *testing.T) {
	for outcome, want := range map[metric.Outcome]metrictest.Line{
		metric.Served:  metrictest.Counts(0, 0, nil),
		metric.Faulty:  metrictest.Counts(1, 0, nil),
		metric.Refused: metrictest.Counts(1, 0, 1),
		metric.Failed:  metrictest.Counts(0, 1, nil),
	} {
		t.Run(fmt.Sprint(outcome), func(t *testing.T) {
			log := metrictest.Capture(t)
			metric.CallLine{
				Operation: "authorize-app",
				Began:     time.Now().Add(-time.Second),
				Outcome:   outcome,
			}.Log(t.Context())
			lines := metrictest.Calls(t, log.String(), "authorize-app")
			if len(lines) != 1 {
				t.Fatal(log)
			}
			lines[0].Expect(t, want)
			lines[0].Expect(t, metrictest.Line{"status": nil, "requestId": nil, "apiRequestId": nil})
			if ms := lines[0]["Latency"].(float64); ms < 1000 || ms > 5000 {
				t.Errorf("a second is %v ms", ms)
			}
		})
	}
}

func TestWithoutDimension(t *testing.T) {
	log := metrictest.Capture(t)
	metric.Put(t.Context(), "open erasures", metric.ErasuresOpen.Of(3), metric.OldestErasure.Of(1e6+0.25))
	lines := metrictest.Lines(t, log.String())
	if len(lines) != 1 {
		t.Fatal(log)
	}
	lines[0].Expect(
		t,
		metrictest.Line{"msg": "open erasures", "ErasuresOpen": 3., "OldestErasure": 1e6 + 0.25, "Operation": nil},
	)
	if !strings.Contains(
		log.String(),
		`"Dimensions":[[]],"Metrics":[{"Name":"ErasuresOpen","Unit":"Count"},{"Name":"OldestErasure","Unit":"Seconds"}]`,
	) {
		t.Error(log)
	}
}

// The line must not be what a call costs.
func TestAllocations(t *testing.T) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil)))
	defer slog.SetDefault(before)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "lambda-1"})
	call := metric.CallLine{
		Operation:    "issue-token",
		Began:        time.Now(),
		Outcome:      metric.Refused,
		Status:       401,
		APIRequestID: "api-1",
	}
	if n := testing.AllocsPerRun(1000, func() { call.Log(ctx) }); n > 6 {
		t.Errorf("%v allocations a line", n)
	}
}

func BenchmarkCall(b *testing.B) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil)))
	defer slog.SetDefault(before)
	call := metric.CallLine{
		Operation:    "issue-token",
		Began:        time.Now(),
		Outcome:      metric.Refused,
		Status:       401,
		APIRequestID: "api-1",
	}
	b.ReportAllocs()
	for b.Loop() {
		call.Log(b.Context())
	}
}
