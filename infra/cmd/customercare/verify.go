package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/infra/deployment"
	"customercare/infra/tiles"
	"customercare/shared/receipt"
	"customercare/shared/store"
)

func (a *app) verifyCommand() *cobra.Command {
	return group(page("", "verify"), a.receiptCommand(), a.consistencyCommand(), a.verifyLogCommand())
}

func (a *app) verifyLogCommand() *cobra.Command {
	var by trust
	var since string
	var maxAge time.Duration
	command := page("verify", "log DIR")
	command.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	by.flags(command, " (default: that beside the log)")
	command.Flags().StringVar(&since, "since", "", "demand that the log continues the one of the checkpoint in `FILE`")
	command.Flags().DurationVar(&maxAge, "max-age", 30*24*time.Hour,
		"how long an erasure may be open, for example 720h")
	command.PreRunE = func(*cobra.Command, []string) error {
		if maxAge <= 0 {
			return errors.New("--max-age must be more than nothing")
		}
		return by.check(false)
	}
	return a.offline(command, func(ctx context.Context, args []string) error {
		keys, err := by.keys(a, tiles.Dir(args[0]).PolicyFile())
		if err != nil {
			return err
		}
		return a.verifyLog(ctx, tiles.Check{Dir: tiles.Dir(args[0]), Keys: keys, MaxAge: maxAge, Now: time.Now()}, since)
	})
}

func (a *app) verifyLog(ctx context.Context, check tiles.Check, since string) error {
	size := int64(-1)
	if tree, _, err := check.Dir.Tree(check.Keys); err == nil {
		size = tree.N
	}
	bar := a.newBar("verifying", size)
	check.Progress = func(leaves int) { _ = bar.Add(leaves) }
	r, err := check.Run(ctx)
	_ = bar.Finish()
	if err != nil {
		return ofCheckpoint(err)
	}
	wrong := r.Faults
	if since != "" {
		old, err := a.checkpoint(since, check.Keys)
		if err == nil {
			err = tiles.Consistent(old, r.Tree, check.Dir.Hashes(r.Tree))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", since, err)
		}
	}
	if r.TooOld > 0 {
		wrong = append(wrong, fmt.Sprintf("%s open for longer than %v, the oldest is %s",
			plural(r.TooOld, "erasure is", "erasures are"), check.MaxAge, r.OldestID))
	}
	rows := [][]any{{"log", r.Origin}, {"size", r.Size}, {"root", r.Root}}
	for _, name := range slices.Sorted(maps.Keys(r.Types)) {
		rows = append(rows, []any{name, r.Types[name]})
	}
	rows = append(rows, []any{"open", r.Open}, []any{"oldest open", r.Oldest}, []any{"open too long", r.TooOld},
		[]any{"took too long", r.Slow}, []any{"without text", r.Missing}, []any{"bad", r.Bad})
	if err := a.print(r, rows...); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	a.tell("the log is whole: every entry is the one that was sealed, and every acceptance has its end or is younger than %v",
		check.MaxAge)
	return nil
}

// checkpoint reads a file with a checkpoint that one of the keys has signed.
func (a *app) checkpoint(name string, keys note.Verifiers) (tlog.Tree, error) {
	text, err := a.readAll(name)
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, _, err := receipt.OpenCheckpoint(string(text), keys)
	return tree, ofCheckpoint(err)
}

// ofCheckpoint is an error of package receipt in the words for a checkpoint alone.
func ofCheckpoint(err error) error {
	key, other := errors.AsType[*receipt.KeyError](err)
	switch {
	case other:
		return fmt.Errorf("the checkpoint is signed by another key than the one given: it says that it is from the log %q",
			key.Name)
	case errors.Is(err, receipt.ErrCheckpoint):
		return errors.New("this is not the checkpoint of a log")
	}
	return err
}

func (a *app) consistencyCommand() *cobra.Command {
	var by trust
	var dir string
	command := page("verify", "consistency OLD NEW")
	command.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault) // files
	by.flags(command, " (default: the key of the log that is asked)")
	command.Flags().StringVar(&dir, "log", "", "take the proof from the exported log in `DIR` (default: from the stack)")
	_ = command.MarkFlagDirname("log") // it fails where there is no such flag
	command.PreRunE = func(*cobra.Command, []string) error { return by.check(false) }
	online := a.does(command, func(ctx context.Context, d *deployment.Deployment, args []string) error {
		log := sealedLog(d)
		head, err := log.Head(ctx)
		if err != nil {
			return logFailed(ctx, d, err)
		}
		if by == (trust{}) {
			by.vkey = head.Key
		}
		keys, err := by.keys(a, "")
		if err != nil {
			return err
		}
		return a.consistent(args, keys, head.Tree, log.Hashes(ctx, head.Tree))
	})
	fromStack := online.RunE
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if dir == "" {
			return fromStack(cmd, args)
		}
		a.started = true
		from := tiles.Dir(dir)
		keys, err := by.keys(a, from.PolicyFile())
		if err != nil {
			return err
		}
		tree, _, err := from.Tree(keys)
		if err != nil {
			return ofCheckpoint(err)
		}
		return a.consistent(args, keys, tree, from.Hashes(tree))
	}
	return command
}

// consistent compares two checkpoints with hashes of a tree that must be as large.
func (a *app) consistent(files []string, keys note.Verifiers, tree tlog.Tree, hashes tlog.HashReader) error {
	var trees [2]tlog.Tree
	for i, name := range files {
		var err error
		if trees[i], err = a.checkpoint(name, keys); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if trees[1].N > tree.N {
		return fmt.Errorf("the log that is asked has %d leaves, fewer than the checkpoint %s: export it anew", tree.N, files[1])
	}
	if err := tiles.Consistent(trees[0], trees[1], hashes); err != nil {
		return err
	}
	return a.print(map[string]any{"consistent": true, "old": trees[0].N, "new": trees[1].N},
		[]any{fmt.Sprintf("consistent: the log grew from %d to %d leaves, and nothing in it was changed",
			trees[0].N, trees[1].N)})
}

func (a *app) logCommand() *cobra.Command {
	export := page("log", "export DIR")
	export.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	return group(page("", "log"), a.does(export, func(ctx context.Context, d *deployment.Deployment, args []string) error {
		return a.exportLog(ctx, d, tiles.Dir(args[0]))
	}))
}

func (a *app) exportLog(ctx context.Context, d *deployment.Deployment, to tiles.Dir) error {
	bar, missing := a.newBar("exporting", -1), 0
	head, err := tiles.Export{
		Log: sealedLog(d), Records: store.Erasures{DB: d.DB, Table: d.Tables.Erasures}, Dir: to,
		Progress: func(leaves int) { _ = bar.Add(leaves) },
		Missing: func(leaf int64, of, what string) {
			missing++
			fmt.Fprintf(bar, "leaf %d: the record %s %s, so its entry is empty\n", leaf, of, what)
		},
	}.Run(ctx)
	_ = bar.Finish()
	if err != nil {
		return logFailed(ctx, d, err)
	}
	err = a.print(map[string]any{"from": d.Where, "leaves": head.Tree.N, "withoutText": missing, "key": head.Key},
		[]any{fmt.Sprintf("exported from %s: %d leaves", d.Where, head.Tree.N)})
	if err == nil && missing > 0 {
		return found("%s without its text, because the record is gone or altered",
			plural(missing, "entry is exported", "entries are exported"))
	}
	return err
}

// sealedLog is the sealed log of a deployment.
func sealedLog(d *deployment.Deployment) store.Log { return store.Log{DB: d.DB, Table: d.Tables.Log} }

// logFailed makes a sentence of what keeps the log from being read.
func logFailed(ctx context.Context, d *deployment.Deployment, err error) error {
	_, told := errors.AsType[tiles.Fault](err)
	switch {
	case told:
		return err
	case errors.Is(err, store.ErrNoHead):
		return fmt.Errorf("the log of %s has no checkpoint yet: seal-ledger makes the first within a minute", d.Where)
	case errors.Is(err, store.ErrLogDamaged):
		return fmt.Errorf("the log of %s is damaged: a part of it is missing or altered", d.Where)
	}
	return deployment.Explain(ctx, "the log", err)
}
