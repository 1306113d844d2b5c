package start

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"customercare/shared/version"
)

// Every line names the release that wrote it, once and at no allocation.
func TestLinesHaveTheVersion(t *testing.T) {
	var log bytes.Buffer
	logger(&log).Error("failed", "cause", "timeout")
	const want = `"level":"ERROR","msg":"failed","version":"` + version.Number + `","cause":"timeout"}` + "\n"
	if _, line, _ := strings.Cut(log.String(), ","); line != want {
		t.Errorf("got  %swant %s", line, want)
	}
	allocations := func(log *slog.Logger) float64 {
		return testing.AllocsPerRun(100, func() {
			log.LogAttrs(context.Background(), slog.LevelInfo, "answered", slog.Int("status", 200))
		})
	}
	with, without := allocations(logger(io.Discard)), allocations(slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if with != without {
		t.Errorf("%v allocations a line, without the version %v", with, without)
	}
}
