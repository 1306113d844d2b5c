package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/importer"
)

func (a *app) importCommand() *cobra.Command {
	var from int
	command := &cobra.Command{
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
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault), // files
		PreRunE: func(*cobra.Command, []string) error {
			if from < 1 {
				return errors.New("--from counts lines from 1")
			}
			return nil
		},
	}
	command.Flags().IntVar(&from, "from", 1, "first `LINE` to load, as a load that stopped names it")
	return a.does(command, func(ctx context.Context, to *deployment.Deployment, args []string) error {
		return a.load(ctx, to, args[0], from)
	})
}

func (a *app) load(ctx context.Context, to *deployment.Deployment, name string, from int) error {
	file, err := a.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if !a.json {
		fmt.Fprintf(a.out, "loading into %s\n", to.Where)
	}
	size := int64(-1)
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	bar := a.newBar("importing", size)
	counts, err := importer.Load(ctx, importer.Options{
		Client: to.DB, Tables: to.Tables.Tables, From: from, Progress: func(bytes int) { _ = bar.Add(bytes) },
		Report: func(line int, sentence string) { fmt.Fprintf(bar, "line %d: %s\n", line, sentence) },
	}, file)
	_ = bar.Finish()
	if _, misformed := errors.AsType[importer.Misformed](err); misformed {
		return fmt.Errorf("%w; nothing is loaded", err)
	}
	printed := a.print(map[string]any{"into": to.Where, "loaded": counts.Loaded, "refused": counts.Failed},
		[]any{fmt.Sprintf("loaded into %s: %s", to.Where, counts)})
	stopped, early := errors.AsType[*importer.Stopped](err)
	switch {
	case early && ctx.Err() != nil:
		return fmt.Errorf("interrupted at line %d: load the file again, or the rest with --from %[1]d", stopped.Line)
	case early:
		return fmt.Errorf("%w: load the file again, or the rest with --from %d", stopped, stopped.Line)
	case err != nil:
		return found("%w", err)
	}
	return printed
}

// open opens a file that a command reads; "-" is standard input.
func (a *app) open(name string) (*os.File, error) {
	if name == "-" {
		return a.in, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be read: %w", name, errors.Unwrap(err))
	}
	return file, nil
}
