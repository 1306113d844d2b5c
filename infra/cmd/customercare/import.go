package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"customercare/infra/importer"
)

func (a *app) importCommand() *cobra.Command {
	var from int
	command := a.does(&cobra.Command{
		Use:   "import FILE",
		Short: "Load records from a file",
		Long: `Load users, customers, transactions, contacts and principals from a file of JSON
lines; "-" is standard input. docs/data.md has the formats.

A line that cannot be loaded is named with its number and stops nothing else. To load a
file again changes nothing, so that a load that was interrupted is simply repeated, or
continued with --from.

Exit codes: 1 when the load stopped early, or the file is no lines of JSON and nothing
of it is loaded; 3 when it is loaded but for the lines that are named.`,
		Example: `  customercare import records.ndjson
  customercare import records.ndjson --from 120001 --stack customercare
  zcat records.ndjson.gz | customercare import -`,
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error {
		if from < 1 {
			return misused("--from counts lines from 1")
		}
		return a.load(ctx, args[0], from)
	})
	command.Flags().IntVar(&from, "from", 1, "first `LINE` to load, as a load that stopped names it")
	return command
}

func (a *app) load(ctx context.Context, name string, from int) error {
	file := a.in
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return fmt.Errorf("the file %s cannot be read: %w", name, errors.Unwrap(err))
		}
		defer file.Close()
	}
	to, err := a.find(ctx)
	if err != nil {
		return err
	}
	if !a.json {
		fmt.Fprintf(a.out, "loading into %s\n", to.Where)
	}
	bar := newBar(a.errs, file)
	counts, err := importer.Load(ctx, importer.Options{
		Client: to.DB, Tables: to.Tables.Tables, From: from, Progress: bar.add, Report: bar.report,
	}, file)
	bar.finish()
	if _, misformed := errors.AsType[importer.Misformed](err); misformed {
		return fmt.Errorf("%w; nothing is loaded", err)
	}
	if a.json {
		if err := a.printJSON(map[string]any{"into": to.Where, "loaded": counts.Loaded, "refused": counts.Failed}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.out, "loaded into %s: %s\n", to.Where, counts)
	}
	stopped, early := errors.AsType[*importer.Stopped](err)
	switch {
	case early && ctx.Err() != nil:
		return fmt.Errorf("interrupted at line %d: load the file again, or the rest with --from %d", stopped.Line, stopped.Line)
	case early:
		return fmt.Errorf("%w: load the file again, or the rest with --from %d", stopped, stopped.Line)
	case err != nil:
		return found("%w", err)
	}
	return nil
}

// bar is a progress bar when a person is watching, and nothing otherwise.
type bar struct {
	errs  io.Writer
	shown *progressbar.ProgressBar
}

func newBar(errs io.Writer, file *os.File) *bar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return &bar{errs: errs}
	}
	size := int64(-1) // unknown: a spinner
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return &bar{errs, progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(errs),
		progressbar.OptionSetDescription("importing"),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

func (b *bar) add(bytes int) {
	if b.shown != nil {
		_ = b.shown.Add(bytes) // more than the file's size when it grows: nothing to tell anybody
	}
}

// report prints a line that was not loaded, above the bar.
func (b *bar) report(line int, sentence string) {
	if b.shown != nil {
		_ = b.shown.Clear()
	}
	fmt.Fprintf(b.errs, "line %d: %s\n", line, sentence)
}

func (b *bar) finish() {
	if b.shown != nil {
		_ = b.shown.Finish()
	}
}
