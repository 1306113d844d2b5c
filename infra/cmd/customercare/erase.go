package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"customercare/infra/bulk"
	"customercare/infra/client"
	"customercare/infra/deployment"
	"customercare/infra/importer"
	"customercare/shared/retention"
)

// What the API keeps of a reason and of a ticket, in bytes (docs/runbook.md, Who did it).
const (
	mostReason = 256
	mostTicket = 128
)

// eraseRate is how many calls a second erase makes at most where nobody says another
// number.
const eraseRate = 20

// bulkErasure is a call of erase.
type bulkErasure struct {
	bulk.Options
	file  string
	yes   bool
	limit int
}

func (a *app) eraseCommand() *cobra.Command {
	var b bulkErasure
	command := page("", "erase --file FILE")
	flags := command.Flags()
	flags.StringVar(&b.file, "file", "", "the `FILE` of rows, CSV or JSON lines")
	flags.StringVar(&b.Result, "result", "", "the result `FILE` (default: the file's name with .result)")
	flags.StringVar(&b.User, "user", "", "`NAME` of the API user, for customers")
	flags.StringVar(&b.App, "app", "", "`NAME` of the app, for numbers")
	flags.BoolVar(&b.yes, "yes", false, "erase, and do not ask")
	flags.IntVar(&b.limit, "limit", 1000, "above so many `ROWS` a second person must approve")
	flags.StringVar(&b.ApprovedBy, "approved-by", "", "`NAME` of the second person")
	flags.Float64Var(&b.Rate, "rate", eraseRate, "`CALLS` a second at most")
	flags.StringVar(&b.Reason, "reason", "", "`TEXT` for the audit, about nobody")
	flags.StringVar(&b.Ticket, "ticket", "", "`TEXT` that names the case, for the audit")
	flags.BoolVar(&b.Wait, "wait", false, "wait for the end of every erasure")
	_ = command.MarkFlagFilename("file") // it fails where there is no such flag
	_ = command.MarkFlagFilename("result")
	command.PreRunE = func(*cobra.Command, []string) error { return b.check() }
	return a.does(command, func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		return a.erase(ctx, d, b)
	})
}

// check refuses what no file can make right.
func (b *bulkErasure) check() error {
	printable := func(text string) bool {
		return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })
	}
	switch {
	case b.file == "":
		return errors.New("--file must name a file")
	case b.file == "-":
		return errors.New("--file must be a file, which is read more than once")
	case b.limit < 0:
		return errors.New("--limit must not be negative")
	case !(b.Rate > 0):
		return errors.New("--rate must be more than 0")
	case b.ApprovedBy != "" && (retention.SamePerson(b.ApprovedBy, b.User) || retention.SamePerson(b.ApprovedBy, b.App)):
		return errors.New("--approved-by must name a second person, not the caller")
	case len(b.Note()) > mostReason || !printable(b.Note()):
		return fmt.Errorf("--reason and --approved-by must be printable, and have %d bytes at most together", mostReason)
	case len(b.Ticket) > mostTicket || !printable(b.Ticket):
		return fmt.Errorf("--ticket must be printable, and have %d bytes at most", mostTicket)
	}
	if b.Result == "" {
		b.Result = b.file + ".result"
	}
	return nil
}

func (a *app) erase(ctx context.Context, d *deployment.Deployment, b bulkErasure) error {
	if d.APIURL == "" {
		return errors.New("nothing says where the API answers: set API_URL")
	}
	file, err := a.open(b.file)
	if err != nil {
		return err
	}
	defer file.Close()
	plan, err := a.look(ctx, file)
	if err != nil {
		return err
	}
	a.tell("%s: %s: %s and %s; %s, %s", b.file, plural(plan.Rows, "row", "rows"),
		plural(plan.Customers, "customer", "customers"), plural(plan.Numbers, "number", "numbers"),
		plural(plan.Duplicates, "duplicate", "duplicates"), plural(plan.Faulty, "row names nobody", "rows name nobody"))
	if err := a.mayErase(ctx, d, b, plan); err != nil {
		return err
	}
	if !b.yes && !term.IsTerminal(int(a.in.Fd())) {
		a.tell("nothing is erased: say --yes to erase through %s", d.APIURL)
		return a.print(plan, []any{"rows", plan.Rows}, []any{"customers", plan.Customers}, []any{"numbers", plan.Numbers},
			[]any{"duplicates", plan.Duplicates}, []any{"faulty", plan.Faulty})
	}
	if b.Key, b.Secret, err = a.callers(ctx, plan); err != nil {
		return err
	}
	bar := a.newBar("erasing", int64(plan.Rows))
	b.Progress, b.Notes = func() { _ = bar.Add(1) }, func(sentence string) { fmt.Fprintln(bar, sentence) }
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = bulk.AtOnce // with fewer, most calls open a connection of their own
	defer transport.CloseIdleConnections()
	b.API = client.Client{Base: d.APIURL, HTTP: &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	counts, err := bulk.Erase(ctx, plan, b.Options)
	_ = bar.Finish()
	return a.erased(ctx, b.Options, counts, err)
}

// look reads the whole file, and names the rows that name nobody.
func (a *app) look(ctx context.Context, file *os.File) (*bulk.Plan, error) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("--file must be a file, which is read more than once")
	}
	bar := a.newBar("reading", info.Size())
	plan, err := bulk.Look(ctx, file, func(bytes int) { _ = bar.Add(bytes) }, func(line int, sentence string) {
		fmt.Fprintf(bar, "line %d: %s\n", line, sentence)
	})
	_ = bar.Finish()
	if _, misformed := errors.AsType[importer.Misformed](err); misformed {
		return nil, fmt.Errorf("%w; nothing is erased", err)
	}
	return plan, err
}

// mayErase refuses what lacks a caller or a second person, and asks whether it is meant.
func (a *app) mayErase(ctx context.Context, d *deployment.Deployment, b bulkErasure, plan *bulk.Plan) error {
	ask := term.IsTerminal(int(a.in.Fd()))
	switch {
	case !b.yes && !ask:
		return nil
	case plan.Customers > 0 && b.User == "":
		return misused("the file has customers: name the API user with --user")
	case plan.Numbers > 0 && b.App == "":
		return misused("the file has numbers: name the app with --app")
	case plan.Rows > b.limit && b.ApprovedBy == "":
		return misused("the file has more rows than %d (--limit): a second person must approve, --approved-by NAME", b.limit)
	case b.yes:
		return nil
	}
	return a.confirm(ctx, fmt.Sprintf("erase %s and %s through %s", plural(plan.Customers, "customer", "customers"),
		plural(plan.Numbers, "number", "numbers"), d.APIURL))
}

// callers gets the API user's key and the app's secret, as far as the file needs them:
// from API_USER_KEY and APP_SECRET, or asked for on the terminal, or a line each of
// standard input.
func (a *app) callers(ctx context.Context, plan *bulk.Plan) (key, secret string, err error) {
	lines := bufio.NewReader(a.in)
	get := func(needed int, variable, what string) (text string) {
		if needed == 0 || err != nil {
			return ""
		}
		if text = os.Getenv(variable); text != "" {
			return text
		}
		if term.IsTerminal(int(a.in.Fd())) {
			text, err = a.askHidden(ctx, what+": ")
			return text
		}
		line, _ := lines.ReadString('\n')
		if text = strings.TrimRight(line, "\r\n"); text == "" {
			err = fmt.Errorf("the %s is read from standard input, which has no more lines: or set %s", what, variable)
		}
		return text
	}
	key = get(plan.Customers, "API_USER_KEY", "key of the API user")
	return key, get(plan.Numbers, "APP_SECRET", "secret of the app"), err
}

// erased tells what has become of the rows.
func (a *app) erased(ctx context.Context, o bulk.Options, c bulk.Counts, err error) error {
	printed := a.print(struct {
		bulk.Counts
		Result string `json:"result"`
	}{c, o.Result}, []any{"erased", c.Erased}, []any{"accepted, not ended", c.Accepted}, []any{"not found", c.NotFound},
		[]any{"held", c.Held}, []any{"refused", c.Refused}, []any{"duplicates", c.Duplicates},
		[]any{"without an outcome", c.Left})
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted, with %s left: call the same again, it goes on", plural(c.Left, "row", "rows"))
	case err != nil:
		return err
	case c.Held+c.Refused > 0 || o.Wait && c.Accepted > 0:
		return found("not everything is erased: %s says which rows, and why", o.Result)
	}
	return printed
}
