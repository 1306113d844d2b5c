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
	command := page("", "import FILE")
	command.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault) // files
	command.PreRunE = func(*cobra.Command, []string) error {
		if from < 1 {
			return errors.New("--from counts lines from 1")
		}
		return nil
	}
	command.Flags().IntVar(&from, "from", 1, "first `LINE` to load, as a load that stopped names it")
	var file *os.File
	a.does(command, func(ctx context.Context, to *deployment.Deployment, _ []string) error {
		return a.load(ctx, to, file, from)
	})
	loadFile := command.RunE
	// The file is opened before the stack is looked for: a wrong name is told at once.
	command.RunE = func(cmd *cobra.Command, args []string) (err error) {
		a.started = true
		if file, err = a.open(args[0]); err != nil {
			return err
		}
		defer file.Close()
		return loadFile(cmd, args)
	}
	return command
}

// load loads the lines of file, from line from on, into a deployment's tables.
func (a *app) load(ctx context.Context, to *deployment.Deployment, file *os.File, from int) error {
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
	if info, err := file.Stat(); err == nil && info.IsDir() {
		_ = file.Close()
		return nil, fmt.Errorf("%s is a folder: name a file", name)
	}
	return file, nil
}
