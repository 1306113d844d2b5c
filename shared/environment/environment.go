// Package environment is what a function finds around it: its settings, read once and in one place, and its way to AWS's
// services.
package environment

import (
	"errors"
	"log/slog"
	"os"

	"github.com/caarlos0/env/v11"

	"customercare/shared/metric"
)

// Load fills settings, a pointer to a struct with `env` tags, and sets up the log and the metrics in it. Anything missing or
// malformed is reported in one line that names it all, and ends the process: Lambda then shows it as a failed start.
func Load(settings any) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	var common struct {
		Namespace string `env:"METRICS_NAMESPACE,required,notEmpty"`
	}
	if err := errors.Join(env.Parse(&common), env.Parse(settings)); err != nil {
		slog.Error("the environment is not complete", "cause", err.Error())
		os.Exit(1)
	}
	metric.Namespace = common.Namespace
}
