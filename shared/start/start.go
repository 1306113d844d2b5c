// Package start is the main of every function. It is the one place that sets up what a
// process has once (the log, the metrics' namespace, the bound of its memory), and the
// one that ends a process.
package start

import (
	"io"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/metric"
	"customercare/shared/version"
)

// process is what every function has in its environment beside its own settings.
type process struct {
	Namespace string `env:"METRICS_NAMESPACE,required,notEmpty"`
	// Memory is what Lambda gives the function, in megabytes; 0 where nothing bounds it.
	Memory int64 `env:"AWS_LAMBDA_FUNCTION_MEMORY_SIZE"`
}

// Function reads the settings from the environment, lets prepare make the handler of
// them, and hands that to Lambda's runtime. It does not return.
//
// Where a setting is missing or malformed, or prepare has an error, the process ends with
// exit code 1 after one line in the log that says why: Lambda shows it as a failed start.
func Function[Settings any](prepare func(Settings) (handler any, err error)) {
	slog.SetDefault(logger(os.Stdout))
	handler, err := ready(prepare)
	if err != nil {
		slog.Error("the function cannot start", "cause", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

// logger writes lines of JSON to w, each with the version of the release that wrote it:
// while a deployment shifts from one to the other, both write into one log. The handler
// keeps the version as bytes, so that it costs a line no allocation.
func logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, nil)).With("version", version.Number)
}

// ready is Function but for the two ends of a process.
func ready[Settings any](prepare func(Settings) (any, error)) (handler any, err error) {
	var all struct {
		Process process
		Own     Settings
	}
	if err := environment.Read(&all); err != nil {
		return nil, err
	}
	metric.Namespace = all.Process.Namespace
	boundMemory(all.Process.Memory)
	return prepare(all.Own)
}

// boundMemory tells the collector from which size on it must work harder, by what Lambda
// gives the function in megabytes: a process that outgrows that is killed in the middle
// of its work. The size is far less than what is given, because nothing here needs more,
// and never less than what fits into the smallest function. GOMEMLIMIT, where somebody
// has set it, stays.
func boundMemory(given int64) {
	if given <= 0 || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	debug.SetMemoryLimit(max(given/5, min(given*3/4, 96)) << 20)
}
