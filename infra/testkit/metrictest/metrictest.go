// Package metrictest reads metric lines out of logs, and holds each against the embedded
// metric format's specification (Amazon CloudWatch User Guide, "Specification: Embedded
// metric format") and the declarations of shared/metric.
package metrictest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"customercare/shared/metric"
)

// Line is one line's members; numbers are float64.
type Line map[string]any

// Log is a log that may be written to by several at once.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Capture takes the process's log, in the format that functions write, until the test
// ends.
func Capture(t testing.TB) *Log {
	log, before := new(Log), slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return log
}

// Lines are log's metric lines in order, each checked. What stands before a line's JSON,
// such as a function's name, is left out.
func Lines(t testing.TB, log string) []Line {
	t.Helper()
	var all []Line
	for text := range strings.Lines(log) {
		if _, text, ok := strings.Cut(text, "{"); ok && strings.Contains(text, `"_aws"`) {
			line, err := read("{" + text)
			if err != nil {
				t.Errorf("%v in {%s", err, text)
				continue
			}
			all = append(all, line)
		}
	}
	return all
}

// Calls are the lines of log that tell of calls of operation.
func Calls(t testing.TB, log, operation string) []Line {
	t.Helper()
	return slices.DeleteFunc(Lines(t, log), func(l Line) bool { return l[metric.Operation] != operation })
}

// OneCall runs call, which is one call of operation, and gives the one line that it wrote
// and the log.
func OneCall(t testing.TB, operation string, call func()) (Line, *Log) {
	t.Helper()
	log := Capture(t)
	call()
	lines := Calls(t, log.String(), operation)
	if len(lines) != 1 {
		t.Fatalf("%d lines: %s", len(lines), log)
	}
	return lines[0], log
}

// OnePanic runs call, one call of operation that panics with a text in which personal
// stands. It must log the panic once, without that, and count as a failure of ours.
func OnePanic(t testing.TB, operation, personal string, call func()) {
	t.Helper()
	line, log := OneCall(t, operation, call)
	if strings.Count(log.String(), `"msg":"panic"`) != 1 || strings.Contains(log.String(), personal) {
		t.Fatalf("log: %s", log)
	}
	line.Expect(t, Counts(0, 1, nil))
}

// Expect compares members of the line; nil means that there is none.
func (l Line) Expect(t testing.TB, want Line) {
	t.Helper()
	for name, value := range want {
		if got := l[name]; fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s is %v, want %v, in %v", name, got, value, l)
		}
	}
}

// Counts are the members that tell a call's outcome.
func Counts(callerErrors, serviceErrors int, refused any) Line {
	return Line{
		metric.Calls.Name: 1, metric.CallerErrors.Name: callerErrors, metric.ServiceErrors.Name: serviceErrors,
		metric.CallersRefused.Name: refused,
	}
}

// units are all that CloudWatch knows but for those of bytes and bits, which nothing here
// is counted in.
var units = []string{"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"}

// directive declares metrics of a line.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct{ Name, Unit string }
}

// read parses and checks one line. Its names come once, and "_aws" has no member that the
// specification does not know.
func read(text string) (Line, error) {
	var line Line
	var declared struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		return nil, err
	}
	aws, _ := json.Marshal(line["_aws"])
	if err := json.Unmarshal(aws, &declared, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if age := time.Since(time.UnixMilli(declared.Timestamp)); age < -time.Second || age > time.Hour {
		return nil, fmt.Errorf("a timestamp %s ago", age)
	}
	if len(declared.CloudWatchMetrics) == 0 {
		return nil, errors.New("no directive")
	}
	names := map[string]bool{}
	for _, d := range declared.CloudWatchMetrics {
		if err := line.check(d, names); err != nil {
			return nil, err
		}
	}
	for _, m := range metric.All {
		if _, there := line[m.Name]; there && !names[m.Name] {
			return nil, fmt.Errorf("%s is not declared", m.Name)
		}
	}
	return line, nil
}

// check checks one directive of the line, and notes the names that it declares.
func (l Line) check(d directive, names map[string]bool) error {
	if d.Namespace != metric.Namespace || len(d.Dimensions) != 1 || d.Dimensions[0] == nil {
		return fmt.Errorf("namespace %q, dimensions %q", d.Namespace, d.Dimensions)
	}
	for _, dimension := range d.Dimensions[0] {
		if value, ok := l[dimension].(string); !ok || value == "" || len(value) > 1024 {
			return fmt.Errorf("the dimension %q is %v", dimension, l[dimension])
		}
	}
	if n := len(d.Metrics); n == 0 || n > 100 {
		return fmt.Errorf("%d metrics", n)
	}
	for _, m := range d.Metrics {
		one := metric.Metric{Name: m.Name, Unit: m.Unit, Dimension: strings.Join(d.Dimensions[0], ",")}
		if _, number := l[m.Name].(float64); !number || names[m.Name] || !slices.Contains(units, m.Unit) {
			return fmt.Errorf("%v is %v, declared twice: %t", one, l[m.Name], names[m.Name])
		}
		if !slices.Contains(metric.All, one) {
			return fmt.Errorf("%+v is no metric of the product", one)
		}
		names[m.Name] = true
	}
	return nil
}

// Names says whether value stands in text, with neither a letter nor a digit next to it:
// a time, a random id or a stack would hold four digits by chance.
func Names(text, value string) bool {
	return regexp.MustCompile(`(^|[^0-9A-Za-z])` + regexp.QuoteMeta(value) + `($|[^0-9A-Za-z])`).MatchString(text)
}
