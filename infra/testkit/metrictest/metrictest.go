// Package metrictest reads metric lines out of logs, and holds each against the embedded metric format's specification
// (Amazon CloudWatch User Guide, "Specification: Embedded metric format") and the declarations of shared/metric.
package metrictest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// Capture takes the process's log, in the format that functions write, until the test ends.
func Capture(t testing.TB) *Log {
	log, before := new(Log), slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return log
}

// Lines are log's metric lines in order, each checked. What stands before a line's JSON, as a function's name, is left
// out.
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
	return slices.DeleteFunc(Lines(t, log), func(line Line) bool { return line[metric.Operation] != operation })
}

// OneCall runs call, which is one call of operation, and gives the one line that it wrote.
func OneCall(t testing.TB, operation string, call func()) Line {
	t.Helper()
	log := Capture(t)
	call()
	lines := Calls(t, log.String(), operation)
	if len(lines) != 1 {
		t.Fatalf("%d lines: %s", len(lines), log)
	}
	return lines[0]
}

// OnePanic runs call, one call of operation that panics with a text in which personal stands.
// It logs the panic once, without that, and counts as a failure of ours.
func OnePanic(t testing.TB, operation, personal string, call func()) {
	t.Helper()
	log := Capture(t)
	call()
	lines := Calls(t, log.String(), operation)
	if len(lines) != 1 || strings.Count(log.String(), `"msg":"panic"`) != 1 || strings.Contains(log.String(), personal) {
		t.Fatalf("log: %s", log)
	}
	lines[0].Expect(t, Counts(0, 1, nil))
}

// Expect compares members of the line; nil means that there is none. It gives the line.
func (l Line) Expect(t testing.TB, want Line) Line {
	t.Helper()
	for name, value := range want {
		if got := l[name]; fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s is %v, want %v, in %v", name, got, value, l)
		}
	}
	return l
}

// Counts are the members that tell a call's outcome.
func Counts(callerErrors, serviceErrors int, refused any) Line {
	return Line{
		metric.Calls.Name: 1, metric.CallerErrors.Name: callerErrors, metric.ServiceErrors.Name: serviceErrors,
		metric.CallersRefused.Name: refused,
	}
}

// units are all that CloudWatch knows but for those of bytes and bits, which nothing here is counted in.
var units = []string{"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"}

// read parses and checks one line.
func read(text string) (Line, error) {
	line, err := members(text)
	if err != nil {
		return nil, err
	}
	var document struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	}
	aws, _ := json.Marshal(line["_aws"])
	strict := json.NewDecoder(bytes.NewReader(aws))
	strict.DisallowUnknownFields() // the specification allows no others
	if err := strict.Decode(&document); err != nil {
		return nil, err
	}
	if age := time.Since(time.UnixMilli(document.Timestamp)); age < -time.Second || age > time.Hour {
		return nil, fmt.Errorf("a timestamp %s ago", age)
	}
	declared := map[string]bool{}
	if len(document.CloudWatchMetrics) == 0 {
		return nil, fmt.Errorf("no directive")
	}
	for _, directive := range document.CloudWatchMetrics {
		if directive.Namespace != metric.Namespace || len(directive.Dimensions) != 1 || directive.Dimensions[0] == nil {
			return nil, fmt.Errorf("namespace %q, dimensions %q", directive.Namespace, directive.Dimensions)
		}
		for _, dimension := range directive.Dimensions[0] {
			if value, ok := line[dimension].(string); !ok || value == "" || len(value) > 1024 {
				return nil, fmt.Errorf("the dimension %q is %v", dimension, line[dimension])
			}
		}
		if n := len(directive.Metrics); n == 0 || n > 100 {
			return nil, fmt.Errorf("%d metrics", n)
		}
		for _, m := range directive.Metrics {
			one := metric.Metric{Name: m.Name, Unit: m.Unit, Dimension: strings.Join(directive.Dimensions[0], ",")}
			if _, number := line[m.Name].(float64); !number || declared[m.Name] || !slices.Contains(units, m.Unit) {
				return nil, fmt.Errorf("%v is %v, declared twice: %t", one, line[m.Name], declared[m.Name])
			}
			if !slices.Contains(metric.All, one) {
				return nil, fmt.Errorf("%+v is no metric of the product", one)
			}
			declared[m.Name] = true
		}
	}
	for _, m := range metric.All {
		if _, there := line[m.Name]; there && !declared[m.Name] {
			return nil, fmt.Errorf("%s is not declared", m.Name)
		}
	}
	return line, nil
}

// members are those of a JSON object, which names each once.
func members(text string) (Line, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("no object: %w", err)
	}
	line := Line{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		if _, again := line[name.(string)]; again {
			return nil, fmt.Errorf("%s stands twice", name)
		}
		line[name.(string)] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if rest := strings.TrimSpace(text[decoder.InputOffset():]); rest != "" {
		return nil, fmt.Errorf("%q behind it", rest)
	}
	return line, nil
}
