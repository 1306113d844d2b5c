package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/importer"
)

func (a *app) convertCommand() *cobra.Command {
	var out, part string
	var guard guarding
	var since string
	o := importer.ConvertOptions{}
	command := page("", "convert FILE --out FOLDER")
	command.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault) // files
	command.Args = takes
	command.PreRunE = func(_ *cobra.Command, args []string) (err error) {
		if out == "" {
			return errors.New("--out must name the folder that is made")
		}
		if o.Part, o.Parts, err = partOf(part); err != nil {
			return err
		}
		return guard.check(args[0], since)
	}
	command.Flags().StringVar(&out, "out", "", "make the folder `FOLDER`, with a folder for each table")
	command.Flags().StringVar(&part, "part", "1/1", "only the records of part `I/N`, as one of N machines that read all lines")
	guard.flags(command, &since, "convert also who was erased, because they came back or there is no ledger yet")
	_ = command.MarkFlagDirname("out") // it fails where there is no such flag
	command.RunE = func(cmd *cobra.Command, args []string) error {
		a.started = true
		file, err := a.open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		o.Out = out
		if guard.returning {
			return a.convert(cmd.Context(), nil, file, o, guard)
		}
		to, err := deployment.Find(cmd.Context(), a.chosen)
		if err != nil {
			return fmt.Errorf("%w; for the first load, when there is no ledger yet, say --returning", err)
		}
		return a.convert(cmd.Context(), to, file, o, guard)
	}
	return command
}

// partOf reads a part: "2/4" is the second of four.
func partOf(text string) (part, parts int, err error) {
	first, second, _ := strings.Cut(text, "/")
	part, err1 := strconv.Atoi(first)
	parts, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil || part < 1 || part > parts {
		return 0, 0, errors.New("--part must be like 2/4, the second of four parts")
	}
	return part, parts, nil
}

// convert writes files of the lines of file for the import from S3. The ledger of a
// deployment is asked for those who were erased; nil: nobody's is.
func (a *app) convert(
	ctx context.Context, to *deployment.Deployment, file *os.File, o importer.ConvertOptions, by guarding,
) error {
	bar := a.newBar("reading", sizeOf(file))
	o.Progress = func(bytes int) { _ = bar.Add(bytes) }
	o.Report = func(line int, sentence string) { fmt.Fprintf(bar, "line %d: %s\n", line, sentence) }
	o.Writing = func(lines int) {
		_ = bar.Finish()
		bar = a.newBar("writing", int64(lines))
	}
	o.Wrote = func() { _ = bar.Add(1) }
	guard := a.guard(to, by)
	if to != nil {
		o.Erased = guard.Erased
	}
	done, err := importer.Convert(ctx, o, file)
	_ = bar.Finish()
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("interrupted: nothing is written, call the same again")
	case err != nil:
		return fmt.Errorf("%w; nothing is written", err)
	}
	rows := [][]any{{"TABLE", "ITEMS", "FILES", "BYTES"}}
	for _, name := range slices.Sorted(maps.Keys(done.Tables)) {
		amount := done.Tables[name]
		rows = append(rows, []any{name, amount.Items, amount.Files, amount.Bytes})
	}
	printed := a.print(map[string]any{"out": o.Out, "converted": done.Loaded, "replaced": done.Replaced,
		"refused": done.Failed, "mightComeBack": done.Back, "tables": done.Tables}, rows...)
	a.tell("converted into %s: %s", o.Out, done.Counts)
	if done.Replaced > 0 {
		a.tell("%s of a record that a later line has, too, and that one counts", plural(done.Replaced, "line is", "lines are"))
	}
	a.tellBack(done.Back, "converted", guard)
	if done.Failed > 0 {
		return found("%d of %s not converted", done.Failed, plural(done.Lines, "line is", "lines are"))
	}
	return printed
}
