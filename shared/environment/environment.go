// Package environment is what a function finds around it: its settings, read once and in one place, and its way to AWS's
// services.
package environment

import (
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/caarlos0/env/v11"

	"customercare/shared/metric"
)

// Load fills settings, a pointer to a struct with `env` tags, and sets up the log and the metrics in it. Anything missing or
// malformed is reported in one line that names it all, and ends the process: Lambda then shows it as a failed start.
func Load(settings any) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	var common struct {
		Namespace string `env:"METRICS_NAMESPACE,required,notEmpty"`
		Memory    int64  `env:"AWS_LAMBDA_FUNCTION_MEMORY_SIZE"` // megabytes; 0 where nothing bounds the process
	}
	if err := errors.Join(env.Parse(&common), env.Parse(settings)); err != nil {
		slog.Error("the environment is not complete", "cause", err.Error())
		os.Exit(1)
	}
	metric.Namespace = common.Namespace
	boundMemory(common.Memory)
}

// boundMemory tells the collector from which size on it must work harder, by what Lambda
// gives the function in megabytes: a process that outgrows that is killed in the middle
// of its work. It is far less than what is given, because nothing here needs more, and
// never less than what fits into the smallest function. GOMEMLIMIT, where somebody has
// set it, stays.
func boundMemory(given int64) {
	if given <= 0 || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	debug.SetMemoryLimit(max(given/5, min(given*3/4, 96)) << 20)
}
