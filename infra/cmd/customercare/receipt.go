package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"customercare/shared/receipt"
	"customercare/shared/statement"
	"customercare/shared/store"
)

func (a *app) receiptCommand() *cobra.Command {
	var by trust
	var subject string
	command := page("verify", "receipt FILE")
	command.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault) // files
	by.flags(command, "")
	command.Flags().StringVar(&subject, "subject", "",
		"demand that it is about the code or number `ID`, \"-\" reads it from standard input")
	command.PreRunE = func(*cobra.Command, []string) error { return by.check(true) }
	return a.offline(command, func(_ context.Context, args []string) error {
		return a.verifyReceipt(args[0], by, subject)
	})
}

// offline gives a command its work, which needs no stack.
func (a *app) offline(command *cobra.Command, do func(ctx context.Context, args []string) error) *cobra.Command {
	command.Args = takes
	command.RunE = func(cmd *cobra.Command, args []string) error {
		a.started = true
		return do(cmd.Context(), args)
	}
	return command
}

func (a *app) verifyReceipt(name string, by trust, subject string) error {
	keys, err := by.keys(a, "")
	if err != nil {
		return err
	}
	text, err := a.readAll(name)
	if err != nil {
		return err
	}
	if subject == "-" {
		line, err := a.readAll("-")
		if err != nil {
			return err
		}
		if subject = strings.TrimRight(string(line), "\r\n"); subject == "" {
			return errors.New("the subject is read from standard input, which is empty")
		}
	}
	v, err := receipt.Verify(text, keys)
	form := errors.Is(err, receipt.ErrForm) || errors.Is(err, receipt.ErrCheckpoint)
	switch {
	case form && bytes.Contains(text, []byte("c2sp.org/tlog-proof@v1")):
		return errors.New("NOT VERIFIED: this was a receipt, but does not have the form of one any more:" +
			" verify the file as it was sent, because a mail program or an editor may have changed line ends or blanks")
	case err != nil:
		return fmt.Errorf("NOT VERIFIED: %w", err)
	}
	if subject != "" {
		switch {
		case v.Subject == nil:
			return errors.New("NOT VERIFIED: the receipt is genuine, but it is for a whole erasure and names nobody:" +
				" ask for one about the subject")
		case v.Subject.Subject != subject && subjectIn(v.Subject) != subject:
			return errors.New("NOT VERIFIED: the receipt is genuine, but it is about another subject")
		}
	}
	value := map[string]any{"log": v.Origin, "size": v.Size, "leaf": v.Index, "statement": v.Statement}
	if v.Subject != nil {
		value["subject"], value["outcome"] = v.Subject.Subject, outcomes[v.Subject.Outcome]
	}
	if a.json {
		return a.print(value)
	}
	for _, sentence := range sentences(v) {
		fmt.Fprintln(a.out, printable(sentence))
	}
	return nil
}

// subjectIn is the code or the number of a subject, the last part of its message.
func subjectIn(s *receipt.Subject) string {
	parts := store.SplitKey(s.Subject)
	return parts[len(parts)-1]
}

// outcomes are those of one subject in words, by their characters in a receipt.
var outcomes = map[string]string{"": "accepted", "e": "erased", "n": "not found", "h": "held"}

// sentences tell what a receipt proves to somebody who knows nothing of logs, and what it
// does not prove.
func sentences(v receipt.Verified) (all []string) {
	say := func(format string, values ...any) { all = append(all, fmt.Sprintf(format, values...)) }
	s := v.Statement
	about := map[string]string{
		statement.Customer: "a customer of the account " + s.Scope,
		statement.Numbers:  "customer numbers of the tenant " + s.Scope,
		statement.Number:   "a customer number of the tenant " + s.Scope,
	}[s.Kind]
	say("VERIFIED. The receipt is genuine, and nothing in it was changed.")
	switch {
	case s.Type == statement.KeyDestroyed:
		say("On %s the key of digests %s was destroyed. Since then nobody can tell from the log whom the entries"+
			" made with it are about.", s.At, s.Key)
	case s.Type == statement.Restore && s.Restored != nil:
		r := s.Restored
		say("On %s, %s put on record that the table %s, restored from a backup to %s, brought nobody back.", s.At, s.By, r.Table, r.To)
		say("%s in it: %d about somebody who was erased since and left out, %d in the table in use now. There %s"+
			" about anybody who was erased since.", plural(int(r.Read), "item was", "items were"), r.LeftOut, r.Loaded,
			plural(int(r.Left), "item was left", "items were left"))
		if r.Held > 0 {
			say("A hold keeps %s about somebody who was erased since.", plural(int(r.Held), "more item", "more items"))
		}
		if r.Returned > 0 {
			say("%s there about somebody who came back after the erasure, as %s has said.",
				plural(int(r.Returned), "more item is", "more items are"), s.By)
		}
		if r.Unreadable > 0 {
			say("Of %s there it could not be read whom they are about.", plural(int(r.Unreadable), "item", "items"))
		}
	case s.Type == statement.Retention && s.Swept != nil:
		r := s.Swept
		say("On %s a sweep of the rule of retention %q ended. It takes %s older than %s%s: those of before %s.",
			s.At, r.Rule, r.What, plural(r.Days, "day", "days"), map[bool]string{true: " of " + r.Scope}[r.Scope != ""], r.Cutoff)
		say("%s%s found: %d erased, %d kept because of holds, %d left for the next sweep.",
			map[bool]string{true: "At least "}[r.AtLeast], plural(int(r.Found), "item was", "items were"), r.Erased, r.Kept, r.Left)
	case s.Type == statement.Held && s.Because != "":
		say("On %s the erasure of %s, as %s had asked, was refused because of the hold %s.", s.At, about, s.By, s.Because)
	case s.Type == statement.Held:
		say("On %s, %s placed the hold %s on %s. Nothing that it is about is erased while it stands.", s.At, s.By, s.Hold, about)
	case s.Type == statement.Released:
		say("On %s the hold %s on %s was released by %s. What was to be erased meanwhile is erased now.", s.At, s.Hold, about, s.By)
	case about == "":
		say("It is a statement of the type %q with the id %s, which this program cannot put into words.", s.Type, s.ID)
	default:
		say("On %s the erasure of %s was accepted, as %s had asked. Its id is %s.", s.Accepted, about, s.By, s.ID)
		if s.Subjects != nil {
			say("The request was about %s.", plural(s.Subjects.N, "data subject", "data subjects"))
		}
		if len(s.Ticket) > 0 {
			say("It had a ticket, whose SHA-256 in base64 is %s", base64.StdEncoding.EncodeToString(s.Ticket))
		}
	}
	if s.End != nil {
		least := map[bool]string{true: "at least "}[s.AtLeast]
		say("It was finished on %s. A last reading, begun on %s, found nothing any more.", s.Finished, s.Verified)
		say("%s%s found, and %s%d erased.", least, plural(int(s.Found), "item was", "items were"), least, s.Erased)
		if s.Type == statement.Partial {
			say("A part is held, and was not erased.")
		}
		if s.Unreadable {
			say("One record named its parties in a form that could not be read: a copy of it may be left.")
		}
		say("Backups may hold the data until %s.", s.BackupsUntil)
	} else if s.Type == statement.Accepted {
		say("The receipt is for the acceptance: it does not say that the erasure has ended.")
	}
	if v.Subject != nil {
		say("It covers %s. What became of it: %s.",
			strings.Join(store.SplitKey(v.Subject.Subject), " "), outcomes[v.Subject.Outcome])
	} else if s.Kind != "" {
		say("It names no data subject.")
	}
	say("The statement is entry %d of the log %s. The log had %d entries when its key signed them.", v.Index, v.Origin, v.Size)
	say("What this proves: the operator of that log made this statement, and cannot change it or take it back unseen.")
	say("What it does not prove: that no copy is left where the system does not look, or that the operator hides.")
	return all
}
