package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/importer"
	"customercare/infra/restore"
	"customercare/shared/digest"
)

func (a *app) importCommand() *cobra.Command {
	var from int
	var guard guarding
	var since string
	command := page("", "import FILE")
	command.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault) // files
	command.PreRunE = func(_ *cobra.Command, args []string) error {
		if from < 1 {
			return errors.New("--from counts lines from 1")
		}
		return guard.check(args[0], since)
	}
	guard.flags(command, &since, "load also who was erased, because they came back")
	command.Flags().IntVar(&from, "from", 1, "first `LINE` to load, as a load that stopped names it")
	var file *os.File
	a.does(command, func(ctx context.Context, to *deployment.Deployment, _ []string) error {
		return a.load(ctx, to, file, from, guard)
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

// guarding is how a load looks for those who were erased.
type guarding struct {
	returning bool      // it does not
	since     time.Time // erasures that ended before count for nothing
	keys      string    // the file with the keys of digests, "" for the stack's secret
}

// flags are those that say how.
func (g *guarding) flags(command *cobra.Command, since *string, returning string) {
	command.Flags().BoolVar(&g.returning, "returning", false, returning)
	command.Flags().StringVar(since, "since", "", "the `TIME` that the file is of, RFC 3339: who was erased before it had come back")
	command.Flags().StringVar(&g.keys, "keys", "",
		"read the text of the secret DigestKeys from `FILE`, \"-\" is standard input")
	_ = command.MarkFlagFilename("keys") // it fails where there is no such flag
}

// check refuses flags that mean nothing together, and reads --since.
func (g *guarding) check(file, since string) (err error) {
	switch {
	case g.keys == "-" && file == "-":
		return errors.New("FILE and --keys cannot both be standard input")
	case g.returning && since != "":
		return errors.New("--returning asks the ledger for nobody, so --since means nothing with it")
	case since == "":
		return nil
	}
	g.since, err = parseTime("since", since)
	if err == nil && g.since.After(time.Now()) {
		err = errors.New("--since is in the future: say of which time the file is")
	}
	return err
}

// guard asks a deployment's ledger who was erased; nil is no deployment, and asks nobody.
func (a *app) guard(to *deployment.Deployment, by guarding) *restore.Guard {
	if to == nil {
		return &restore.Guard{}
	}
	return &restore.Guard{
		Ledger: inUse(to), Since: by.since,
		Keys: func(ctx context.Context) (digest.Digester, error) {
			keys, err := a.keysFrom(ctx, to, by.keys)
			return keys.Digester(), err
		},
	}
}

// tellBack says how many lines were not done because of whom they are about, and of whom
// nobody knows.
func (a *app) tellBack(lines int, done string, guard *restore.Guard) {
	if lines > 0 {
		a.tell("%s what was erased or removed since, and not %s", plural(lines,
			"line might bring back", "lines might bring back"), done)
	}
	for _, id := range guard.Destroyed {
		a.tell("the key %s of digests is destroyed: nobody can say who was erased under it, and they are not looked for", id)
	}
}

// sizeOf is a file's size, -1 where it has none, as a pipe.
func sizeOf(file *os.File) int64 {
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		return info.Size()
	}
	return -1
}

// load loads the lines of file, from line from on, into a deployment's tables.
func (a *app) load(ctx context.Context, to *deployment.Deployment, file *os.File, from int, by guarding) error {
	if !a.json {
		fmt.Fprintf(a.out, "loading into %s\n", to.Where)
	}
	bar := a.newBar("importing", sizeOf(file))
	guard := a.guard(to, by)
	erased := guard.Erased
	if by.returning {
		erased = nil
	}
	counts, err := importer.Load(ctx, importer.Options{
		Erased: erased,
		Client: to.DB, Tables: to.Tables.Tables, From: from, Progress: func(bytes int) { _ = bar.Add(bytes) },
		Report: func(line int, sentence string) { fmt.Fprintf(bar, "line %d: %s\n", line, sentence) },
	}, file)
	_ = bar.Finish()
	if _, misformed := errors.AsType[importer.Misformed](err); misformed {
		return fmt.Errorf("%w; nothing is loaded", err)
	}
	printed := a.print(map[string]any{"into": to.Where, "loaded": counts.Loaded, "refused": counts.Failed,
		"mightComeBack": counts.Back},
		[]any{fmt.Sprintf("loaded into %s: %s", to.Where, counts)})
	a.tellBack(counts.Back, "loaded", guard)
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
