package start

import (
	"errors"
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"customercare/shared/metric"
)

// own are the settings of a function of these tests.
type own struct {
	Table string `env:"TEST_TABLE,required,notEmpty"`
}

// A function gets its settings, in a process that is set up; what it cannot be made for
// is told, as is every setting that is missing, the process's own too.
func TestReady(t *testing.T) {
	namespace, limit := metric.Namespace, debug.SetMemoryLimit(math.MaxInt64)
	defer func() { metric.Namespace = namespace; debug.SetMemoryLimit(limit) }()
	t.Setenv("METRICS_NAMESPACE", "")
	t.Setenv("TEST_TABLE", "")
	never := func(own) (any, error) { t.Error("made without its settings"); return nil, nil }
	_, err := ready(never)
	for _, name := range []string{"METRICS_NAMESPACE", "TEST_TABLE"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not in: %v", name, err)
		}
	}
	t.Setenv("METRICS_NAMESPACE", "stack")
	t.Setenv("TEST_TABLE", "t")
	t.Setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
	handler, err := ready(func(s own) (any, error) {
		if metric.Namespace != "stack" || debug.SetMemoryLimit(-1) != 102<<20 {
			t.Errorf("metrics of %s, memory up to %d", metric.Namespace, debug.SetMemoryLimit(-1))
		}
		return s.Table, nil
	})
	if handler != "t" || err != nil {
		t.Errorf("%v, %v", handler, err)
	}
	why := errors.New("no key")
	if _, err := ready(func(own) (any, error) { return nil, why }); err != why {
		t.Error(err)
	}
}
