package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"customercare/infra/auditlog"
	"customercare/infra/deployment"
	"customercare/infra/project"
	"customercare/shared/digest"
	"customercare/shared/store"
)

// asked is what the flags of audit ask for.
type asked struct {
	subject, kind, scope string
	since, until         string
	auditlog.Question
}

// subjectKinds are the kinds of data subjects that a call can be about.
var subjectKinds = []string{"user", "customer", "number"}

func (a *app) auditCommand() *cobra.Command {
	var q asked
	command := page("", "audit --subject ID")
	flags := command.Flags()
	flags.StringVar(&q.subject, "subject", "", "calls about the data subject `ID`, \"-\" reads it from standard input")
	flags.StringVar(&q.kind, "kind", "user", "`KIND` of the data subject: user, customer or number")
	flags.StringVar(&q.scope, "scope", "", "the `ACCOUNT` of a customer, or the tenant of a number")
	flags.StringVar(&q.Erasure, "erasure", "", "in place of --subject: calls for the erasure with this `ID`")
	flags.StringVar(&q.Principal, "principal", "", "calls of the principal `NAME` alone")
	flags.StringVar(&q.since, "since", "", "calls at this `TIME` or later, RFC 3339 or a date in UTC")
	flags.StringVar(&q.until, "until", "", "calls before this `TIME`, RFC 3339 or a date in UTC")
	_ = command.RegisterFlagCompletionFunc("kind", // it fails where there is no such flag
		cobra.FixedCompletions(subjectKinds, cobra.ShellCompDirectiveNoFileComp))
	command.PreRunE = func(*cobra.Command, []string) error { return q.check(time.Now()) }
	return a.does(command, func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		return a.audit(ctx, d, q)
	})
}

// check refuses flags that ask for nothing, or do not fit together, and reads the times.
func (q *asked) check(now time.Time) (err error) {
	switch {
	case (q.subject == "") == (q.Erasure == ""):
		return errors.New("name a data subject with --subject, or an erasure with --erasure")
	case q.Erasure != "" && !store.IsID(q.Erasure):
		return errors.New("--erasure is no id of an erasure, which is like 20261127T055744Z-0123456789abcdef")
	case !slices.Contains(subjectKinds, q.kind):
		return errors.New("--kind must be user, customer or number")
	case q.kind == "user" && q.scope != "":
		return errors.New("--scope is for --kind customer or number")
	case q.kind != "user" && q.Erasure != "":
		return errors.New("--kind is for --subject")
	case q.kind != "user" && q.scope == "":
		return fmt.Errorf("--scope must name the %s",
			map[string]string{"customer": "account of the customer", "number": "tenant of the number"}[q.kind])
	}
	if q.Since, err = moment("since", q.since); err != nil {
		return err
	}
	if q.Until, err = moment("until", q.until); err != nil {
		return err
	}
	switch {
	case q.Since.After(now):
		return errors.New("--since is in the future")
	case !q.Until.IsZero() && !q.Since.Before(q.Until):
		return errors.New("--since must be before --until")
	}
	return nil
}

// moment reads the time that a flag gives, or the day, which is its first moment in UTC;
// zero without one.
func moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	at, err := parseTime(flag, text)
	if err != nil {
		err = fmt.Errorf("%w, or a date like 2026-01-02", err)
	}
	return at, err
}

// audit prints the calls.
func (a *app) audit(ctx context.Context, d *deployment.Deployment, q asked) error {
	switch {
	case d.Local:
	case d.Audit.Client == nil:
		return misused("where the audit of tables is cannot be told: name their stack with --stack")
	case d.Audit.Name == "":
		return fmt.Errorf("the %s has no log group AuditLogs: it is older than the audit", d.Where)
	}
	if err := a.digest(ctx, d, &q); err != nil {
		return err
	}
	answer, err := a.askAudit(ctx, d, &q)
	if err != nil {
		return err
	}
	rows := [][]any{{"TIME", "PRINCIPAL", "DID", "OUTCOME", "STATUS", "REASON", "TICKET", "ERASURE"}}
	lines := json.NewEncoder(a.out)
	lines.SetEscapeHTML(false)
	for _, c := range answer.Calls {
		if a.json {
			err = errors.Join(err, lines.Encode(c))
			continue
		}
		// Of a call that was refused early nothing is known but the operation.
		did := cmp.Or(c.Did, "("+c.Operation+")")
		rows = append(rows, []any{&c.Time, c.Principal, did, c.Outcome, c.Status, c.Reason, c.Ticket, c.Erasure})
	}
	if len(rows) > 1 {
		err = a.print(nil, rows...)
	}
	a.tellAudit(d, q, answer)
	return err
}

// digest makes every digest that may stand for the data subject. For an erasure there is
// none to make, and no key is read.
func (a *app) digest(ctx context.Context, d *deployment.Deployment, q *asked) error {
	if q.Erasure != "" {
		return nil
	}
	subject, err := a.askSubject(ctx, q.subject)
	if err != nil {
		return err
	}
	keys, err := a.keysFrom(ctx, d, "")
	if err != nil {
		return err
	}
	message := digest.Message(q.kind, subject)
	if q.kind != "user" {
		message = digest.Message(q.kind, q.scope, subject)
	}
	q.Digests = keys.Digester().Every(message)
	return nil
}

// askSubject is the identifier that --subject gives. On a terminal "-" asks for it, and
// does not show it.
func (a *app) askSubject(ctx context.Context, given string) (string, error) {
	if given != "-" {
		return given, nil
	}
	var text []byte
	var err error
	if term.IsTerminal(int(a.in.Fd())) {
		given, err = a.askHidden(ctx, "Identifier: ")
	} else {
		text, err = a.readAll("-")
		given = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	}
	if err == nil && (given == "" || strings.ContainsAny(given, "\r\n")) {
		err = misused("--subject is read from standard input, which must have the identifier as its one line")
	}
	return given, err
}

// usualRetention is how many days a stack keeps its audit, where it does not say.
const usualRetention = 731

// askAudit asks the stack's log group, or the local log files. It sets the times that a
// query of a stack must have.
func (a *app) askAudit(ctx context.Context, d *deployment.Deployment, q *asked) (auditlog.Answer, error) {
	if !d.Local {
		if q.Until.IsZero() {
			q.Until = time.Now()
		}
		if q.Since.IsZero() { // all that is kept
			days, err := strconv.Atoi(d.Parameters["AuditRetentionDays"])
			if err != nil {
				days = usualRetention
			}
			q.Since = time.Now().AddDate(0, 0, -days)
		}
		return auditlog.Insights(ctx, d.Audit, q.Question)
	}
	root, err := project.Root()
	if err != nil {
		return auditlog.Answer{}, fmt.Errorf("the local stack's logs are in the project's folder .cache: %w", err)
	}
	answer, err := auditlog.Files(ctx, filepath.Join(root, ".cache"), q.Question)
	if errors.Is(err, auditlog.ErrNoFiles) {
		err = fmt.Errorf("%w in %s: `make run` writes one", err, filepath.Join(root, ".cache"))
	}
	return answer, err
}

// tellAudit says what a reader of the answer has to know: that there is nothing, or more.
func (a *app) tellAudit(d *deployment.Deployment, q asked, answer auditlog.Answer) {
	about := "about this " + q.kind
	if q.Erasure != "" {
		about = "for this erasure"
	}
	if q.Principal != "" {
		about += " by " + printable(q.Principal)
	}
	switch {
	case answer.More:
		a.tell("there may be more calls: %d were read, which is the most; set --since and --until", auditlog.Most)
	case len(answer.Calls) > 0:
	case d.Local:
		a.tell("no call %s is found in the local logs: `make run` keeps that of a run, and of the run before", about)
	default:
		a.tell("no call %s is found in the audit of the %s, from %s until %s", about, d.Where, cell(&q.Since), cell(&q.Until))
		if q.Erasure == "" {
			a.tell("calls from before a key of digests was destroyed are found under no name any more")
		}
	}
	if len(answer.OtherKeys) > 0 {
		a.tell("the log has calls whose digests are made with other keys (%s), which are gone, for example with"+
			" the run that had them: whom those are about cannot be told", printable(strings.Join(answer.OtherKeys, ", ")))
	}
}
